/**
 * Sorting itself: an action changes the page at once, goes into the outbox, and can be undone.
 *
 * Invariant: order is store, change, show. When the shore refuses an action, exactly what it
 * changed is put back, unless the person has changed it again since.
 *
 * @example
 *   const changed = sorting.act("validate", [4, 9], null);
 */

import { applied, possible, snapshot } from "./actions.js";
import { Past } from "./history.js";
import { drawKey } from "./outbox.js";

/** @typedef {import("./types.js").Snapshot} Snapshot */
/** @typedef {import("./types.js").SeaObject} SeaObject */
/** @typedef {import("./types.js").Verb} Verb */
/** @typedef {import("./types.js").Taxon} Taxon */

export class Sorting {
  /**
   * @param {import("./queue.js").Queue} queue
   * @param {import("./outbox.js").Outbox} outbox
   * @param {import("./taxa-list.js").TaxaList} taxa
   */
  constructor(queue, outbox, taxa) {
    this.queue = queue;
    this.outbox = outbox;
    this.taxa = taxa;
    this.past = new Past();
  }

  /**
   * @param {Verb} verb
   * @param {number[]} objids
   * @param {Taxon|null} taxon
   * @returns {number} how many objects it changed
   */
  act(verb, objids, taxon) {
    const objects = objids
      .map((id) => this.queue.find(id))
      .filter((object) => object !== undefined)
      .filter((object) => possible(object, verb));
    if (!objects.length) return 0;
    const key = drawKey();
    const body = { action: verb, objids: objects.map((object) => object.objid), key };
    /** @type {import("./history.js").Order} */
    const order = { key, op: "classify", body: taxon ? { ...body, taxon_id: taxon.taxon_id } : body };
    this.outbox.add(order);
    const byName = (/** @type {string} */ name) => this.taxa.taxa.find((t) => t.name === name || t.display_name === name);
    const before = objects.map(snapshot);
    const after = objects.map((object) => applied(object, verb, taxon, byName));
    this.#put(objects, after);
    this.past.did({ order, verb, taxon, objects, before, after, undo: null });
    return objects.length;
  }

  /**
   * @returns {import("./history.js").Deed|null} what was undone, or null when this tab did nothing yet
   */
  undo() {
    const deed = this.past.undo();
    if (!deed) return null;
    deed.undo = this.outbox.takeBack(deed.order.key) ? null : this.#order("undo", turned(deed));
    this.queue.bringBack(deed.objects);
    this.#put(deed.objects, deed.before);
    return deed;
  }

  /** @returns {import("./history.js").Deed|null} */
  redo() {
    const deed = this.past.redo();
    if (!deed) return null;
    if (!deed.undo) this.outbox.add(deed.order);
    else if (!this.outbox.takeBack(deed.undo.key)) this.#order("redo", turned(deed));
    deed.undo = null;
    this.#put(deed.objects, deed.after);
    return deed;
  }

  /**
   * Undo of what this tab does not remember (after a reload): the shore knows.
   * @returns {string} key of the order
   */
  undoOnShore() {
    return this.#order("undo").key;
  }

  /**
   * Puts back what a refused action had changed.
   * @param {string} key
   * @returns {number} how many objects were put back
   */
  takeBack(key) {
    const deed = this.past.forget(key);
    if (!deed) return 0;
    if (deed.undo) {
      this.outbox.takeBack(deed.undo.key);
      return 0;
    }
    const untouched = deed.objects
      .map((object, index) => ({ object, was: deed.before[index], is: deed.after[index] }))
      .filter(({ object, is }) => object.status === is.status && object.taxon_id === is.taxon_id);
    this.queue.bringBack(untouched.map(({ object }) => object));
    this.#put(untouched.map(({ object }) => object), untouched.map(({ was }) => was));
    return untouched.length;
  }

  /**
   * Asks the shore to turn its own history.
   * @param {"undo"|"redo"} op
   * @param {number} [expect]
   * @returns {import("./history.js").Order}
   */
  #order(op, expect) {
    const key = drawKey();
    const order = { key, op, body: { key }, expect };
    this.outbox.add(order);
    return order;
  }

  /**
   * @param {SeaObject[]} objects
   * @param {Snapshot[]} states
   */
  #put(objects, states) {
    objects.forEach((object, index) => {
      const from = snapshot(object);
      Object.assign(object, states[index]);
      this.taxa.shift(from, states[index]);
    });
  }
}

/**
 * How many objects the deed really changed, and so its undo should.
 * @param {import("./history.js").Deed} deed
 */
function turned({ before, after }) {
  return before.filter((was, i) => was.status !== after[i].status || was.taxon_id !== after[i].taxon_id).length;
}
