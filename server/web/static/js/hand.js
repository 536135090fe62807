/**
 * What the person does to objects: acts, relabels, undoes; and what the page says and shows of it.
 *
 * Invariant: whatever is done here can be undone here, and is stored before it is shown.
 *
 * @example
 *   hand.act("validate", null); hand.undo();
 */

import { VERBS } from "./actions.js";
import { api } from "./api.js";
import { byId } from "./dom.js";
import { count, plural } from "./format.js";
import { announce, explain, notify } from "./shell.js";
import { TaxonSearch } from "./taxon-search.js";

/** @typedef {import("./types.js").Verb} Verb */
/** @typedef {import("./types.js").Taxon} Taxon */

export class Hand {
  /** @param {import("./review.js").Review} review */
  constructor(review) {
    this.review = review;
    this.search = new TaxonSearch(byId("taxon-search"), review.projectId, () => review.taxa.taxa);
    /** @type {Taxon|null} */
    this.lastTaxon = null;
    /** @type {Set<string>} orders whose effect only the shore knows */
    this.asked = new Set();
  }

  /**
   * @param {Verb} verb
   * @param {Taxon|null} taxon
   */
  act(verb, taxon) {
    if (this.review.stage.finished) return verb === "validate" ? this.review.nextTaxon() : undefined;
    if (!this.#maySort) return;
    const ids = this.review.grid.targets();
    if (!ids.length) return;
    const at = Math.min(...ids.map((id) => this.review.grid.places.get(id) ?? 0));
    const changed = this.#safely(() => this.review.sorting.act(verb, ids, taxon));
    if (changed === undefined) return;
    if (changed === 0) {
      const why = verb === "validate" ? "Nothing to validate here: give it a taxon first, or go on." : "Nothing to change.";
      announce(why);
      if (ids.length === 1) this.review.grid.move("right");
      else notify(why);
      return;
    }
    const left = ids.filter((id) => !this.review.queue.visible.some((object) => object.objid === id)).length;
    this.review.grid.clear();
    this.review.grid.cursor = left === ids.length ? at : ids.length === 1 ? at + 1 : at;
    this.review.stage.changed(changed);
    const as = taxon ? ` as ${taxon.display_name}` : "";
    announce(`${VERBS[verb].done} ${plural(changed, "object")}${as}, ${count(this.review.queue.total)} left here`);
    if (!this.review.queue.visible.length) void this.review.turn(1);
  }

  /** Whether this person may sort; a viewer is told why not. */
  get #maySort() {
    if (document.body.dataset.role !== "viewer") return true;
    notify("You may look; sorting needs the role annotator.");
    return false;
  }

  /** @param {string} text */
  async relabel(text) {
    const ids = this.review.grid.targets();
    if (!ids.length || this.review.stage.finished || !this.#maySort) return;
    const taxon = await this.search.ask(text, plural(ids.length, "object"));
    this.review.grid.focus({ preventScroll: true });
    if (!taxon) return;
    this.lastTaxon = taxon;
    this.act("relabel", taxon);
  }

  repeat() {
    if (this.lastTaxon) this.act("relabel", this.lastTaxon);
    else notify("Relabel something first: . repeats the last taxon.");
  }

  /** @param {number} index */
  async guess(index) {
    const name = this.review.grid.current?.top?.[index]?.[0];
    if (!name) return;
    const taxon = this.review.taxa.taxa.find((one) => one.taxon_id !== 0 && (one.name === name || one.display_name === name)) ?? (await this.#taxonNamed(name));
    if (!taxon) return notify(`No taxon is called “${name}” on shore.`, { kind: "bad" });
    this.lastTaxon = taxon;
    this.act("relabel", taxon);
  }

  /** @param {string} name @returns {Promise<Taxon|undefined>} */
  async #taxonNamed(name) {
    try {
      /** @type {Taxon[]} */
      const found = await api("GET", "/api/taxa/search", { q: name, project_id: this.review.projectId, limit: 20 });
      return found.find((one) => one.name === name || one.display_name === name);
    } catch (error) {
      explain(error);
      return undefined;
    }
  }

  undo() {
    const deed = this.#safely(() => this.review.sorting.undo());
    if (deed === undefined) return;
    if (deed === null) return this.#undoOnShore();
    this.review.stage.changed(-deed.objects.length);
    this.review.grid.goTo(this.review.grid.places.get(deed.objects[0].objid) ?? 0);
    announce(`Undone: ${plural(deed.objects.length, "object")} as before`);
  }

  /** After a reload this tab remembers nothing, but the shore does. */
  #undoOnShore() {
    this.asked.add(this.review.sorting.undoOnShore());
    announce("Asking the shore to undo your last action");
  }

  redo() {
    const deed = this.#safely(() => this.review.sorting.redo());
    if (!deed) return announce("Nothing to redo");
    this.review.stage.changed(deed.objects.length);
    announce(`Done again: ${plural(deed.objects.length, "object")}`);
    if (!this.review.queue.visible.length) void this.review.turn(1);
  }

  /**
   * Runs what stores something; a full browser storage is said, and nothing is shown as done.
   * @template T
   * @param {() => T} work
   * @returns {T|undefined}
   */
  #safely(work) {
    try {
      return work();
    } catch (error) {
      notify(`Not done: this browser cannot keep the action (${error instanceof Error ? error.message : error}).`, { kind: "bad" });
      return undefined;
    }
  }

  /**
   * Whether the shore did something else than the page shows: an undo of what the page does not
   * remember, or of objects that somebody else changed meanwhile.
   * @param {{entry: import("./outbox.js").Entry, answer: any}} detail
   */
  surprised({ entry, answer }) {
    const otherwise = entry.expect !== undefined && entry.expect !== answer.changed;
    return this.asked.delete(entry.key) || otherwise;
  }

  /** @param {{entry: import("./outbox.js").Entry, error: any}} detail */
  refused({ entry, error }) {
    if (entry.op !== "classify") {
      notify(error.status === 409 ? `Nothing to ${entry.op}.` : error.message, { kind: error.status === 409 ? "good" : "bad" });
      return;
    }
    const count = this.review.sorting.takeBack(entry.key);
    this.review.stage.changed(-count);
    notify(`The shore refused: ${error.message} ${plural(count, "object")} put back.`, {
      kind: "bad",
      action: { label: "Try again", run: () => this.#retry(entry) },
    });
  }

  /** @param {import("./outbox.js").Entry} entry */
  #retry(entry) {
    this.asked.add(entry.key);
    this.review.outbox.add({ key: entry.key, op: entry.op, body: entry.body });
  }
}
