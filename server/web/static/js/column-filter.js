/**
 * The filter by a free column: which one, and from where to where, or what its text holds.
 *
 * @example new ColumnFilter((change) => filters.set(change)).offer([{name: "area", kind: "number"}]);
 */

import { byId, fill, h } from "./dom.js";

/** @typedef {import("./types.js").Filter} Filter */

const NONE = { free: null, free_min: null, free_max: null, free_text: null };

export class ColumnFilter {
  /** @param {(change: Partial<Filter>) => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {Map<string, "number"|"text">} */
    this.kinds = new Map();
    this.select = byId("free-column");
    this.low = byId("free-min");
    this.high = byId("free-max");
    this.text = byId("free-text");
    this.select.addEventListener("change", () => {
      for (const field of [this.low, this.high, this.text]) field.value = "";
      this.#kind(this.select.value);
      this.changed({ ...NONE, free: this.select.value || null });
    });
    for (const field of [this.low, this.high, this.text]) field.addEventListener("change", () => this.#take());
  }

  #take() {
    const number = (/** @type {HTMLInputElement} */ field) => (Number.isFinite(field.valueAsNumber) ? field.valueAsNumber : null);
    const text = this.kinds.get(this.select.value) === "text";
    this.changed({ free: this.select.value, free_min: text ? null : number(this.low), free_max: text ? null : number(this.high), free_text: (text && this.text.value.trim()) || null });
  }

  /** @param {string} name */
  #kind(name) {
    const kind = this.kinds.get(name);
    byId("free-range").hidden = kind !== "number";
    this.text.hidden = kind !== "text";
  }

  /** @param {Array<{name: string, kind: "number"|"text"}>} columns */
  offer(columns) {
    this.kinds = new Map(columns.map(({ name, kind }) => [name, kind]));
    this.select.hidden = !columns.length;
    fill(this.select, h("option", { value: "" }, "Any column"), columns.map(({ name }) => h("option", { value: name }, name)));
  }

  /** @param {Filter} filter */
  render(filter) {
    this.select.value = filter.free ?? "";
    this.#kind(filter.free ?? "");
    this.low.value = filter.free_min ?? "";
    this.high.value = filter.free_max ?? "";
    this.text.value = filter.free_text ?? "";
  }
}
