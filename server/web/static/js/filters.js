/**
 * The filters above the grid, and the same in the address, so that a view can be linked, kept and
 * reloaded. The person's choices of size and scale stay in the browser.
 */

import { ColumnFilter } from "./column-filter.js";
import { byId, fill, h } from "./dom.js";
import { count, shortId, STATUS } from "./format.js";

/** @typedef {import("./types.js").Filter} Filter */

export const SORTS = [
  ["score", "Lowest score first"],
  ["-score", "Highest score first"],
  ["-esd_um", "Largest first"],
  ["esd_um", "Smallest first"],
  ["-objid", "Newest first"],
  ["objid", "Oldest first"],
  ["random", "Random"],
];

/**
 * @param {string} search  location.search
 * @returns {{filter: Filter, empty: boolean}}
 */
export function fromAddress(search) {
  const params = new URLSearchParams(search);
  const number = (/** @type {string} */ name) => {
    const text = params.get(name);
    const value = text === null || text === "" ? NaN : Number(text);
    return Number.isFinite(value) ? value : null;
  };
  const status = params.get("status");
  const sort = params.get("sort");
  return {
    empty: [...params.keys()].length === 0,
    filter: {
      taxon_id: number("taxon_id"),
      status: /** @type {any} */ (status && status in STATUS ? status : null),
      score_min: number("score_min"),
      score_max: number("score_max"),
      sample_id: params.get("sample_id"),
      release: params.get("release"),
      free: params.get("free"),
      free_min: number("free_min"),
      free_max: number("free_max"),
      free_text: params.get("free_text"),
      sort: SORTS.some(([key]) => key === sort) || /^-?free\../.test(sort ?? "") ? String(sort) : "score",
    },
  };
}

/** @param {Filter} filter */
export function toAddress(filter) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    if (value !== null && value !== "" && !(name === "sort" && value === "score")) params.set(name, String(value));
  }
  if (!params.has("status")) params.set("status", "any");
  return `?${params}`;
}

export class Filters {
  /**
   * @param {Filter} filter
   * @param {(filter: Filter) => void} changed
   */
  constructor(filter, changed) {
    this.filter = filter;
    this.changed = changed;
    this.segments = byId("status-filter");
    this.segments.addEventListener("click", (/** @type {MouseEvent} */ event) => {
      const segment = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest(".segment"));
      if (segment) this.set({ status: /** @type {any} */ (segment.dataset.status) || null });
    });
    this.#score("score-min", "score_min");
    this.#score("score-max", "score_max");
    this.#select("sample-filter", "sample_id");
    this.#select("release-filter", "release");
    this.#select("sort", "sort");
    this.columns = new ColumnFilter((change) => this.set(change));
    this.#sorts([]);
  }

  /**
   * The orders, those of free columns beside: of the ones that are shown, filtered by, or sorted by.
   * @param {string[]} shown
   */
  #sorts(shown) {
    const { free, sort } = this.filter;
    const sorted = sort.replace(/^-/, "").startsWith("free.") ? sort.replace(/^-?free\./, "") : null;
    const names = [...new Set([...shown, free, sorted])].filter((name) => name !== null);
    fill(byId("sort"), SORTS.map(([key, label]) => h("option", { value: key }, label)),
      names.length > 0 && h("optgroup", { label: "Free columns" }, names.map((name) => [h("option", { value: `-free.${name}` }, `Highest ${name} first`), h("option", { value: `free.${name}` }, `Lowest ${name} first`)])));
  }

  /**
   * @param {Array<{name: string, kind: "number"|"text"}>} columns
   * @param {string[]} shown
   */
  offerColumns(columns, shown) {
    this.shown = shown;
    this.columns.offer(columns);
  }

  /** @param {Partial<Filter>} change */
  set(change) {
    this.filter = { ...this.filter, ...change };
    this.changed(this.filter);
  }

  /**
   * @param {string} id
   * @param {"score_min"|"score_max"} name
   */
  #score(id, name) {
    byId(id).addEventListener("change", (/** @type {any} */ event) => {
      const value = event.target.valueAsNumber;
      this.set({ [name]: Number.isFinite(value) ? Math.min(1, Math.max(0, value / 100)) : null });
    });
  }

  /**
   * @param {string} id
   * @param {"sample_id"|"release"|"sort"} name
   */
  #select(id, name) {
    byId(id).addEventListener("change", (/** @type {any} */ event) => this.set({ [name]: event.target.value || null }));
  }

  /** @param {any} project */
  offer(project) {
    const samples = project.samples.map((/** @type {any} */ one) => [one.sample_id, one.name]);
    const releases = project.releases.map((/** @type {any} */ one) => [one.release_id, `${one.name} · ${shortId(one.release_id)}`]);
    this.#options("sample-filter", "All samples", samples);
    this.#options("release-filter", "All releases", releases);
  }

  /**
   * @param {string} id
   * @param {string} all
   * @param {Array<[any, any]>} choices
   */
  #options(id, all, choices) {
    byId(id).hidden = choices.length < 2;
    fill(byId(id), h("option", { value: "" }, all), choices.map(([value, label]) => h("option", { value }, label)));
  }

  /** @param {Record<string, number>} counts  per status, of what the taxon filter leaves */
  render(counts) {
    const { filter } = this;
    const all = h("button", this.#segment(null), "All", h("span", { class: "segment-count" }, count(counts.total)));
    const rest = Object.entries(STATUS)
      .filter(([status, { key }]) => status !== "U" || counts[key] > 0 || filter.status === "U")
      .map(([status, { word, key }]) =>
        h("button", this.#segment(status), word, h("span", { class: "segment-count" }, count(counts[key] ?? 0))),
      );
    fill(this.segments, rest, all);
    byId("score-min").value = filter.score_min === null ? "" : String(Math.round(filter.score_min * 100));
    byId("score-max").value = filter.score_max === null ? "" : String(Math.round(filter.score_max * 100));
    byId("sample-filter").value = filter.sample_id ?? "";
    byId("release-filter").value = filter.release ?? "";
    this.#sorts(this.shown ?? []);
    byId("sort").value = filter.sort;
    this.columns.render(filter);
  }

  /** @param {string|null} status */
  #segment(status) {
    return {
      type: "button", class: "segment", data: { status: status ?? "" },
      "aria-pressed": String(this.filter.status === status),
    };
  }
}
