/** What came in brief: counts of each taxon by depth, dive by dive. */

import { h } from "./dom.js";
import { count, figure, plural, when } from "./format.js";

/**
 * How dark a cell is: 0 for none, 4 for the most, by the logarithm. Pure.
 * @param {number} n
 * @param {number} most
 */
export const heat = (n, most) => (n <= 0 || most <= 0 ? 0 : Math.max(1, Math.min(4, Math.ceil((4 * Math.log1p(n)) / Math.log1p(most)))));

/** @param {any} dive @param {number} bin */
function depth(dive, bin) {
  if (dive.depthless) return "all";
  const from = (dive.first_bin + bin) * dive.bin_m;
  return `${figure(from)}–${figure(from + dive.bin_m)}`;
}

/** @param {any} dive */
function table(dive) {
  const most = Math.max(0, ...dive.taxa.flatMap((/** @type {any} */ taxon) => taxon.counts));
  const row = (/** @type {number} */ frames, /** @type {number} */ bin) => h("tr", {},
    h("th", { scope: "row" }, depth(dive, bin)), h("td", {}, count(Math.round(frames))),
    dive.taxa.map((/** @type {any} */ taxon) => h("td", { data: { heat: heat(taxon.counts[bin], most) } }, taxon.counts[bin] ? figure(taxon.counts[bin]) : "")));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Counts by depth and taxon" }, h("table", { class: "rows heat" },
    h("thead", {}, h("tr", {}, ["Depth, m", "Frames", ...dive.taxa.map((/** @type {any} */ taxon) => taxon.name)].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, dive.frames.map(row))));
}

/** @param {any} dive @param {number} i */
function one(dive, i) {
  const sum = dive.taxa.flatMap((/** @type {any} */ taxon) => taxon.counts).reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b, 0);
  const rough = dive.merged || dive.pooled ? " · made coarser to fit into one message" : "";
  return h("details", { open: i === 0 }, h("summary", {}, `${when(dive.utc_ms ?? dive.received_ms)} · about ${plural(Math.round(sum), "object")} · ${dive.bytes} bytes${rough}`), table(dive));
}

/** @param {any[]} dives */
export function summaries(dives) {
  if (!dives.length) return null;
  return h("section", { class: "card", "aria-label": "Summaries of dives" }, h("h2", {}, "Summaries of dives"), dives.map(one));
}
