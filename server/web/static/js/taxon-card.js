/**
 * One taxon: what is above and below it, its numbers elsewhere, its other names, what was changed,
 * and for those who may, the ways to change it.
 */

import { api } from "./api.js";
import { fill, h } from "./dom.js";
import { ago, count, plural } from "./format.js";
import { explain } from "./shell.js";

const KINDS = { P: "phylogenetic", M: "morphological" };
const STATUSES = { A: "active", N: "not reviewed", D: "deprecated" };
const BELOW_MOST = 60;
const CHANGES = 20;

export class TaxonCard {
  /**
   * @param {HTMLElement} element
   * @param {{manages: boolean, acts: import("./taxon-acts.js").TaxonActs, go: (id: number) => void}} given
   */
  constructor(element, { manages, acts, go }) {
    this.element = element;
    this.manages = manages;
    this.acts = acts;
    this.go = go;
    /** @type {any} */
    this.taxon = null;
  }

  /** @param {any} taxon as the shore tells of it */
  show(taxon) {
    this.taxon = taxon;
    fill(this.element,
      this.#lineage(taxon),
      h("div", { class: "taxon-title" },
        h("h2", { class: taxon.kind === "M" ? "is-morphological" : "" }, taxon.display_name),
        taxon.rank && h("span", { class: "badge" }, taxon.rank),
        h("span", { class: "badge" }, KINDS[/** @type {"P"|"M"} */ (taxon.kind)]),
        taxon.status !== "A" && h("span", { class: "badge", data: { health: "late" } }, STATUSES[/** @type {"N"|"D"} */ (taxon.status)])),
      this.manages && this.#acts(taxon),
      this.#facts(taxon),
      this.#below(taxon),
      this.#names(taxon),
      h("div", { id: "changes" }));
    this.#changes(taxon).catch(explain);
  }

  /** @param {any} taxon */
  #lineage(taxon) {
    const above = taxon.lineage.slice(1).reverse();
    return above.length > 0 && h("ol", { class: "lineage", "aria-label": "Above it" },
      above.map((/** @type {any} */ one) => h("li", {}, this.#link(one.taxon_id, one.name))));
  }

  /** @param {number} id @param {string} name */
  #link(id, name) {
    return h("a", { href: `?taxon=${id}`, onclick: (/** @type {MouseEvent} */ event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.go(id);
    } }, name);
  }

  /** @param {any} taxon */
  #acts(taxon) {
    const act = (/** @type {string} */ label, /** @type {(taxon: any) => void} */ run) =>
      h("button", { type: "button", onclick: () => run(taxon) }, label);
    return h("div", { class: "card-foot" },
      act("Add below", (one) => this.acts.add(one)),
      act("Rename", (one) => this.acts.rename(one)),
      act("Move", (one) => this.acts.move(one)),
      act("Merge", (one) => this.acts.merge(one)),
      act("Details", (one) => this.acts.edit(one)),
      act("Other name", (one) => this.acts.synonym(one)));
  }

  /** @param {any} taxon */
  #facts(taxon) {
    const fact = (/** @type {string} */ name, /** @type {any} */ value) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, value));
    return h("dl", { class: "facts" },
      fact("Objects", count(taxon.uses)),
      fact("Objects below", count(taxon.uses_below)),
      fact("AphiaID", taxon.aphia_id
        ? h("a", { href: taxon.aphia_url, rel: "noreferrer", target: "_blank" }, `${taxon.aphia_id} at WoRMS`)
        : "–"),
      fact("EcoTaxa's number", taxon.ecotaxa_id ?? "–"),
      fact("Number here", taxon.taxon_id));
  }

  /** @param {any} taxon */
  #below(taxon) {
    if (!taxon.children.length) return null;
    const shown = taxon.children.slice(0, BELOW_MOST);
    return h("section", { class: "stack" },
      h("h3", {}, plural(taxon.children.length, "taxon", "taxa"), " right below"),
      h("ul", { class: "name-list" },
        shown.map((/** @type {any} */ one) => h("li", {}, this.#link(one.taxon_id, one.name), one.uses ? h("small", {}, count(one.uses)) : null)),
        shown.length < taxon.children.length && h("li", {}, h("small", {}, `and ${count(taxon.children.length - shown.length)} more in the tree`))));
  }

  /** @param {any} taxon */
  #names(taxon) {
    if (!taxon.synonyms.length) return null;
    return h("section", { class: "stack" },
      h("h3", {}, "Also called"),
      h("ul", { class: "name-list" }, taxon.synonyms.map((/** @type {any} */ one) => h("li", {},
        one.name,
        one.aphia_id && h("a", { href: one.aphia_url, rel: "noreferrer", target: "_blank" }, h("small", {}, `AphiaID ${one.aphia_id}`)),
        this.manages && h("button", { type: "button", class: "quiet", "aria-label": `Remove the name ${one.name}`, onclick: () => this.acts.removeSynonym(taxon, one) }, "×")))));
  }

  /** @param {any} taxon */
  async #changes(taxon) {
    const told = await api("GET", "/api/taxa/changes", { taxon_id: taxon.taxon_id, limit: CHANGES });
    const place = this.element.querySelector("#changes");
    if (!place || this.taxon !== taxon) return;
    fill(place, h("details", {},
      h("summary", {}, plural(told.changes.length, "change"), told.changes.length === CHANGES ? " (the latest)" : ""),
      h("ol", { class: "changes" }, told.changes.map((/** @type {any} */ one) => h("li", {},
        h("span", {}, sentence(one, told.names)),
        h("small", {}, `version ${count(one.version)}, ${one.who}, ${ago(one.at_ms, Date.now())}${one.cause ? `, ${one.cause}` : ""}`))))));
  }
}

const FIELDS = { rank: "rank", kind: "kind", status: "status", aphia_id: "AphiaID", ecotaxa_id: "EcoTaxa's number", name: "name", parent_id: "parent", rename_to: "merged into" };

/**
 * A change in words.
 * @param {any} change
 * @param {Record<string, string>} names
 */
export function sentence(change, names) {
  const { kind, before, after } = change;
  const named = (/** @type {any} */ id) => (id === null || id === undefined ? "the root" : names[id] ?? `taxon ${id}`);
  if (kind === "add") return `Added as “${after.name}” under ${named(after.parent_id)}`;
  if (kind === "synonym") return after.synonym ? `Also called “${after.synonym}”` : `No longer called “${before.synonym}”`;
  if (kind === "merge") return `Merged into ${named(after.rename_to)}`;
  const value = (/** @type {string} */ field, /** @type {any} */ given) =>
    field === "parent_id" ? named(given) : given === null || given === undefined ? "none" : `“${given}”`;
  return Object.keys(after)
    .map((field) => `${FIELDS[/** @type {keyof typeof FIELDS} */ (field)] ?? field}: ${value(field, before[field])} → ${value(field, after[field])}`)
    .join("; ");
}
