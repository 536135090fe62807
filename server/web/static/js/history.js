/**
 * What was done in this tab, to undo and do again. It keeps what each object was, so the page turns
 * back at once; the shore turns back the same action by its own history.
 *
 * @example
 *   past.did(deed); past.undo() // the deed to take back, or null
 */

/**
 * @typedef {Object} Order  What goes into the outbox.
 * @property {string} key
 * @property {"classify"|"undo"|"redo"} op
 * @property {any} body
 * @property {number} [expect]  how many objects an undo or redo should change
 *
 * @typedef {Object} Deed
 * @property {Order} order
 * @property {import("./types.js").Verb} verb
 * @property {import("./types.js").Taxon|null} taxon
 * @property {import("./types.js").SeaObject[]} objects
 * @property {import("./types.js").Snapshot[]} before
 * @property {import("./types.js").Snapshot[]} after
 * @property {Order|null} undo  the order that undid it; null when it was taken back before it was sent
 */

export class Past {
  constructor() {
    /** @type {Deed[]} */
    this.deeds = [];
    /** @type {Deed[]} */
    this.undone = [];
  }

  /** @param {Deed} deed */
  did(deed) {
    this.deeds.push(deed);
    this.undone = [];
  }

  /** @returns {Deed|null} */
  undo() {
    const deed = this.deeds.pop();
    if (deed) this.undone.push(deed);
    return deed ?? null;
  }

  /** @returns {Deed|null} */
  redo() {
    const deed = this.undone.pop();
    if (deed) this.deeds.push(deed);
    return deed ?? null;
  }

  /**
   * Forgets a deed that the shore refused.
   * @param {string} key
   * @returns {Deed|undefined}
   */
  forget(key) {
    const deed = [...this.deeds, ...this.undone].find((one) => one.order.key === key);
    this.deeds = this.deeds.filter((one) => one.order.key !== key);
    this.undone = this.undone.filter((one) => one.order.key !== key);
    return deed;
  }
}
