/** What came by satellite: counts of each taxon by depth, dive by dive. */

import { h } from "./dom.js";
import { count, figure, when } from "./format.js";

/**
 * How dark a cell is: 0 for none, 4 for the most, by the logarithm. Pure.
 * @param {number} n
 * @param {number} most
 */
export const heat = (n, most) => (n <= 0 || most <= 0 ? 0 : Math.max(1, Math.min(4, Math.ceil((4 * Math.log1p(n)) / Math.log1p(most)))));

/** @param {any} dive */
function table(dive) {
  const most = Math.max(0, ...dive.bins.flatMap((/** @type {any} */ bin) => bin.counts));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Counts by depth and taxon" }, h("table", { class: "rows heat" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Depth, m"), dive.taxa.map((/** @type {string} */ name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, dive.bins.map((/** @type {any} */ bin) => h("tr", {}, h("th", { scope: "row" }, `${figure(bin.from_m)}–${figure(bin.to_m)}`),
      bin.counts.map((/** @type {number} */ n) => h("td", { data: { heat: heat(n, most) } }, n ? count(n) : "")))))));
}

/** @param {any[]} dives */
export function summaries(dives) {
  if (!dives.length) return null;
  return h("section", { class: "card", "aria-label": "Summaries" }, h("h2", {}, "Summaries of dives"),
    dives.slice(0, 10).map((dive, i) => h("details", { open: i === 0 }, h("summary", {}, `${when(dive.utc_ms)} · ${count(dive.objects ?? 0)} objects`), table(dive))));
}
