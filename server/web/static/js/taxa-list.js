/**
 * The taxa at the left: what is waiting in each, how far it is validated, a click to see only it.
 * The counts move at once with what the person does.
 */

import { byId, fill, h } from "./dom.js";
import { count, percent, STATUS } from "./format.js";

/** @typedef {import("./types.js").TaxonCount} TaxonCount */

const PARTS = ["V", "P", "D", "X", "U"];

/** @param {any} taxon @param {string} status */
export const countOf = (taxon, status) => taxon[STATUS[status].key] ?? 0;

/**
 * A bar of the shares of each status.
 * @param {any} counts
 */
export function meterParts(counts) {
  return PARTS.filter((status) => countOf(counts, status) > 0).map((status) => {
    const part = h("span", { class: "meter-part", data: { status } });
    part.style.flexGrow = String(countOf(counts, status));
    return part;
  });
}

export class TaxaList {
  /** @param {(taxonId: number|null) => void} choose */
  constructor(choose) {
    /** @type {TaxonCount[]} */
    this.taxa = [];
    /** @type {Set<number>} taxa that had predicted objects when the page was opened */
    this.waited = new Set();
    /** @type {number|null} */
    this.chosen = null;
    /** @type {import("./types.js").Status|null} */
    this.status = null;
    this.text = "";
    this.list = byId("taxa-list");
    this.list.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const row = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest(".taxon"));
      if (row) choose(row.dataset.taxon ? Number(row.dataset.taxon) : null);
    });
    byId("taxa-filter").addEventListener("input", (/** @type {any} */ event) => {
      this.text = event.target.value.trim().toLowerCase();
      this.render();
    });
  }

  /**
   * Takes the counts of the shore. The order is fixed here, so that rows do not jump under the hand
   * while their counts fall.
   * @param {TaxonCount[]} taxa
   */
  take(taxa) {
    const byName = (/** @type {TaxonCount} */ a, /** @type {TaxonCount} */ b) => a.display_name.localeCompare(b.display_name);
    this.taxa = [...taxa].sort((a, b) => b.predicted - a.predicted || byName(a, b));
    this.waited = new Set(this.taxa.filter((taxon) => taxon.predicted > 0).map((taxon) => taxon.taxon_id));
  }

  /**
   * Counts per status of one taxon, or of all.
   * @param {number|null} taxonId
   * @returns {Record<string, number>}
   */
  counts(taxonId) {
    const sums = /** @type {Record<string, number>} */ ({ total: 0 });
    for (const status of PARTS) sums[STATUS[status].key] = 0;
    for (const taxon of this.taxa) {
      if (taxonId !== null && taxon.taxon_id !== taxonId) continue;
      for (const name of Object.keys(sums)) sums[name] += /** @type {any} */ (taxon)[name] ?? 0;
    }
    return sums;
  }

  /** @param {number|null} taxonId */
  find(taxonId) {
    return this.taxa.find((taxon) => taxon.taxon_id === taxonId);
  }

  /**
   * The taxon with the most objects waiting, besides one.
   * @param {number|null} [except]
   */
  mostWaiting(except = null) {
    return this.taxa
      .filter((taxon) => taxon.taxon_id !== except && taxon.predicted > 0)
      .sort((a, b) => b.predicted - a.predicted)[0];
  }

  /**
   * Moves one object from a place to another in the counts.
   * @param {{taxon_id: number|null, taxon: string|null, status: string}} from
   * @param {{taxon_id: number|null, taxon: string|null, status: string}} to
   */
  shift(from, to) {
    this.#add(from, -1);
    this.#add(to, 1);
  }

  /**
   * @param {{taxon_id: number|null, taxon: string|null, status: string}} where
   * @param {number} step
   */
  #add(where, step) {
    const id = where.taxon_id ?? 0;
    let row = /** @type {any} */ (this.find(id));
    if (!row) {
      const name = where.taxon ?? "no taxon";
      row = { taxon_id: id, name, display_name: name, total: 0 };
      for (const status of PARTS) row[STATUS[status].key] = 0;
      this.taxa.push(row);
    }
    row.total += step;
    row[STATUS[where.status].key] += step;
  }

  render() {
    const shown = this.taxa.filter((taxon) => taxon.total > 0 && taxon.display_name.toLowerCase().includes(this.text));
    const waiting = shown.filter((taxon) => this.waited.has(taxon.taxon_id));
    const rest = shown.filter((taxon) => !this.waited.has(taxon.taxon_id));
    fill(
      this.list,
      !this.text && this.#row({ ...this.counts(null), taxon_id: null, display_name: "All taxa" }),
      waiting.length > 0 && h("p", { class: "taxa-group" }, "Waiting"),
      waiting.map((taxon) => this.#row(taxon)),
      rest.length > 0 && h("p", { class: "taxa-group" }, waiting.length ? "Nothing predicted left" : "Taxa"),
      rest.map((taxon) => this.#row(taxon)),
      shown.length === 0 && h("p", { class: "taxa-group" }, this.taxa.length ? "No taxon of that name" : "No objects yet"),
    );
  }

  /** @param {any} taxon */
  #row(taxon) {
    const here = this.chosen === taxon.taxon_id;
    const main = this.status ? countOf(taxon, this.status) : taxon.total;
    const share = taxon.total ? taxon.validated / taxon.total : 0;
    return h(
      "button",
      {
        type: "button", class: "taxon", "aria-current": here ? "true" : null,
        data: { taxon: taxon.taxon_id ?? "" },
        title: `${taxon.display_name}: ${count(taxon.predicted)} predicted, ${count(taxon.validated)} of ${count(taxon.total)} validated`,
      },
      h("span", { class: "taxon-name" }, taxon.display_name),
      h("span", { class: "taxon-count" }, h("b", {}, count(main)), share > 0 ? ` · ${percent(share)} ✓` : ""),
      h("span", { class: "meter", "aria-hidden": "true" }, meterParts(taxon)),
    );
  }
}
