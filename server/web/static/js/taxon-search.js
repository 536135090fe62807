/**
 * The taxon search: opened by a keystroke that it keeps, answered at once from the project's own
 * taxa, then completed by the shore. Enter before the shore answered waits for the answer, so fast
 * typing is never punished.
 *
 * @example
 *   const taxon = await search.ask("c", "12 objects"); // null when given up
 */

import { api } from "./api.js";
import { fill, h } from "./dom.js";
import { count } from "./format.js";

/** @typedef {import("./types.js").Taxon} Taxon */

const PAUSE_MS = 90;
const MOST = 12;

/** @param {string} text */
const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/**
 * Taxa whose name holds the text, those beginning with it first, then the most used.
 * @template {Taxon} T
 * @param {T[]} taxa
 * @param {string} text
 * @param {(taxon: T) => number} uses
 * @returns {T[]}
 */
export function rank(taxa, text, uses) {
  const wanted = fold(text.trim());
  const place = (/** @type {T} */ taxon) => {
    const name = fold(taxon.display_name);
    if (name.startsWith(wanted)) return 0;
    return name.split(/[\s<>_-]+/).some((word) => word.startsWith(wanted)) ? 1 : 2;
  };
  return taxa
    .filter((taxon) => taxon.taxon_id !== 0 && fold(taxon.display_name).includes(wanted))
    .sort((a, b) => place(a) - place(b) || uses(b) - uses(a) || a.display_name.localeCompare(b.display_name));
}

export class TaxonSearch {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {number|null} projectId  null: of no project
   * @param {() => import("./types.js").TaxonCount[]} known  taxa of the project
   */
  constructor(dialog, projectId, known) {
    this.dialog = dialog;
    this.projectId = projectId;
    this.known = known;
    /** @type {Taxon[]} */
    this.found = [];
    this.at = 0;
    this.timer = 0;
    this.round = 0;
    this.waiting = false;
    this.takeFirst = false;
    /** @type {((taxon: Taxon|null) => void)|null} */
    this.done = null;
    this.#build();
  }

  #build() {
    this.input = h("input", {
      type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "search-list",
      "aria-autocomplete": "list", "aria-label": "Taxon", autocomplete: "off", spellcheck: "false",
      placeholder: "Taxon", oninput: () => this.#typed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
    });
    this.forText = h("span", { class: "search-for" });
    this.list = h("ul", { class: "search-list", id: "search-list", role: "listbox", "aria-label": "Taxa" });
    this.list.addEventListener("click", (/** @type {MouseEvent} */ event) => this.#clicked(event));
    fill(this.dialog, h("div", { class: "search-box" }, this.input, this.forText), this.list);
    this.dialog.addEventListener("close", () => this.#settle(null));
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  /**
   * @param {string} text     what was typed already
   * @param {string} forWhat  e.g. "12 objects"
   * @returns {Promise<Taxon|null>}
   */
  ask(text, forWhat) {
    this.input.value = text;
    this.forText.textContent = `for ${forWhat}`;
    this.takeFirst = false;
    this.dialog.showModal();
    this.input.focus();
    this.input.setSelectionRange(text.length, text.length);
    this.#typed();
    return new Promise((resolve) => {
      this.done = resolve;
    });
  }

  #typed() {
    const text = this.input.value;
    this.at = 0;
    this.takeFirst = false;
    this.#show(rank(this.known(), text, (taxon) => taxon.total), text);
    clearTimeout(this.timer);
    this.waiting = text.trim() !== "";
    const round = (this.round += 1);
    if (this.waiting) this.timer = setTimeout(() => void this.#askShore(text, round), PAUSE_MS);
  }

  /**
   * @param {string} text
   * @param {number} round
   */
  async #askShore(text, round) {
    /** @type {Taxon[]} */
    let more = [];
    try {
      more = await api("GET", "/api/taxa/search", { q: text.trim(), project_id: this.projectId, limit: MOST });
    } catch {
      // Without the shore the project's own taxa remain.
    }
    if (round !== this.round) return;
    this.waiting = false;
    const have = new Set(this.found.map((taxon) => taxon.taxon_id));
    this.#show([...this.found, ...more.filter((taxon) => !have.has(taxon.taxon_id))], text);
    if (this.takeFirst) this.#choose();
  }

  /**
   * @param {Taxon[]} taxa
   * @param {string} text
   */
  #show(taxa, text) {
    this.found = taxa.slice(0, MOST);
    this.at = Math.max(0, Math.min(this.at, this.found.length - 1));
    if (this.found.length) fill(this.list, this.found.map((taxon, index) => this.#option(taxon, index, text)));
    else fill(this.list, h("li", { class: "search-note", role: "presentation" }, text.trim() ? `No taxon is called “${text.trim()}”.` : "Type the name of a taxon."));
    this.#point();
  }

  /**
   * @param {Taxon} taxon
   * @param {number} index
   * @param {string} text
   */
  #option(taxon, index, text) {
    const uses = taxon.uses ?? /** @type {any} */ (taxon).total ?? 0;
    return h(
      "li",
      { class: "search-option", role: "option", id: `search-${index}`, data: { index } },
      h("span", { class: "search-name" }, marked(taxon.display_name, text.trim())),
      h("span", { class: "search-uses" }, uses ? count(uses) : ""),
      taxon.synonym && h("span", { class: "search-path" }, "also called ", marked(taxon.synonym, text.trim())),
      taxon.path && taxon.path !== taxon.display_name && h("span", { class: "search-path" }, taxon.path.replaceAll(">", " › ")),
    );
  }

  #point() {
    for (const option of this.list.querySelectorAll("[role=option]")) {
      const here = Number(option.dataset.index) === this.at;
      option.setAttribute("aria-selected", String(here));
      if (here) option.scrollIntoView({ block: "nearest" });
    }
    if (this.found.length) this.input.setAttribute("aria-activedescendant", `search-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 6, PageUp: -6 };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step) {
      this.at = Math.max(0, Math.min(this.found.length - 1, this.at + step));
      this.#point();
    } else if (event.key === "Enter") {
      if (this.found.length) this.#choose();
      else this.takeFirst = this.waiting;
    } else return;
    event.preventDefault();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const option = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest("[role=option]"));
    if (!option) return;
    this.at = Number(option.dataset.index);
    this.#choose();
  }

  #choose() {
    const taxon = this.found[this.at];
    if (taxon) this.#settle(taxon);
  }

  /** @param {Taxon|null} taxon */
  #settle(taxon) {
    clearTimeout(this.timer);
    this.round += 1;
    const { done } = this;
    this.done = null;
    if (this.dialog.open) this.dialog.close();
    done?.(taxon);
  }
}

/**
 * The name with the part that was typed marked.
 * @param {string} name
 * @param {string} text
 * @returns {Array<string|Node>}
 */
function marked(name, text) {
  const at = text ? fold(name).indexOf(fold(text)) : -1;
  if (at < 0 || fold(name).length !== name.length) return [name];
  return [name.slice(0, at), h("mark", {}, name.slice(at, at + text.length)), name.slice(at + text.length)];
}
