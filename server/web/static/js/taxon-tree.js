/**
 * The tree of taxa, opened branch by branch: children are asked for when they are wanted, so a tree
 * of a hundred thousand costs no more than what is looked at.
 *
 * @example
 *   const tree = new TaxonTree(element, (id) => choose(id));
 *   await tree.load();
 *   await tree.reveal([1, 2, 5]); // from a root to the chosen one
 */

import { api } from "./api.js";
import { fill, h } from "./dom.js";
import { count } from "./format.js";
import { explain } from "./shell.js";

const AT_ONCE = 200;

export class TaxonTree {
  /**
   * @param {HTMLElement} element
   * @param {(id: number) => void} choose
   */
  constructor(element, choose) {
    this.element = element;
    this.choose = choose;
    /** @type {Set<number>} */
    this.open = new Set();
    this.here = 0;
  }

  /** Reads the roots anew, and what was open. */
  async load() {
    const roots = await api("GET", "/api/taxa/roots");
    const branch = this.#branch(roots);
    const open = [...this.open];
    this.open.clear();
    fill(this.element, branch);
    for (const id of open) await this.#unfold(id).catch(() => {});
    this.#mark();
    this.element.setAttribute("aria-busy", "false");
  }

  /**
   * Opens what is above a taxon and marks it.
   * @param {number[]} ids from a root down
   */
  async reveal(ids) {
    for (const id of ids.slice(0, -1)) await this.#unfold(id);
    this.here = ids.at(-1) ?? 0;
    this.#mark();
    this.#twig(this.here)?.scrollIntoView({ block: "nearest" });
  }

  #mark() {
    for (const twig of this.element.querySelectorAll(".twig")) {
      const here = /** @type {HTMLElement} */ (twig).dataset.taxon === String(this.here);
      /** @type {HTMLElement} */ (twig).dataset.here = String(here);
      const link = twig.querySelector("a");
      if (here) link?.setAttribute("aria-current", "true");
      else link?.removeAttribute("aria-current");
    }
  }

  /** @param {number} id @returns {HTMLElement|null} */
  #twig(id) {
    return this.element.querySelector(`.twig[data-taxon="${id}"]`);
  }

  /** @param {any[]} taxa */
  #branch(taxa) {
    const list = h("ul", { class: "branch" }, taxa.slice(0, AT_ONCE).map((one) => this.#leaf(one)));
    if (taxa.length > AT_ONCE) {
      const rest = taxa.slice(AT_ONCE);
      const more = h("li", {}, h("button", { type: "button", class: "quiet", onclick: () => {
        more.remove();
        list.append(...this.#branch(rest).children);
      } }, `${count(rest.length)} more`));
      list.append(more);
    }
    return list;
  }

  /** @param {any} one */
  #leaf(one) {
    const opener = one.n_children
      ? h("button", { type: "button", class: "twig-open", "aria-expanded": "false", "aria-label": `What is below ${one.display_name}`,
        onclick: () => this.#toggle(one.taxon_id).catch(explain) })
      : h("span", { class: "twig-leaf" });
    return h("li", {},
      h("div", { class: "twig", data: { taxon: one.taxon_id, kind: one.kind, here: one.taxon_id === this.here } },
        opener,
        h("a", { class: "twig-name", href: `?taxon=${one.taxon_id}`, title: one.display_name, onclick: (/** @type {MouseEvent} */ event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          this.choose(one.taxon_id);
        } }, one.name),
        h("span", { class: "twig-uses" }, one.uses ? count(one.uses) : "")));
  }

  /** @param {number} id */
  async #toggle(id) {
    if (!this.open.has(id)) {
      await this.#unfold(id);
      this.#mark();
      return;
    }
    this.open.delete(id);
    const twig = this.#twig(id);
    twig?.nextElementSibling?.remove();
    twig?.querySelector(".twig-open")?.setAttribute("aria-expanded", "false");
  }

  /** @param {number} id */
  async #unfold(id) {
    const twig = this.#twig(id);
    if (!twig || this.open.has(id)) return;
    this.open.add(id);
    const { children } = await api("GET", `/api/taxa/${id}`);
    if (!this.open.has(id) || twig.nextElementSibling) return;
    twig.after(this.#branch(children));
    twig.querySelector(".twig-open")?.setAttribute("aria-expanded", "true");
  }
}
