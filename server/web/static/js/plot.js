/**
 * A small plot of values over time, as SVG. A gap in time breaks the line; one value is a dot.
 *
 * @example plot("Waiting", "records", rows.map((row) => [row.at_ms, row.pending]))
 */

import { h } from "./dom.js";
import { figure, when } from "./format.js";

const SPACE = "http://www.w3.org/2000/svg";
const WIDTH = 300;
const HEIGHT = 84;
const MARGIN = 6;
/** Longer than this between two values, and the line is broken. */
const BREAK_MS = 3 * 3_600_000;

/** @typedef {[number, number]} Point  time in ms, value */

/**
 * The runs of points without a gap in time, as SVG paths. Pure.
 * @param {Point[]} points  in order of time
 * @returns {string[]}
 */
export function paths(points) {
  if (!points.length) return [];
  const times = points.map(([at]) => at);
  const values = points.map(([, value]) => value);
  const [first, last, low, high] = [times[0], times[times.length - 1], Math.min(0, ...values), Math.max(...values)];
  const x = (/** @type {number} */ at) => (last > first ? ((at - first) / (last - first)) * (WIDTH - 2 * MARGIN) + MARGIN : WIDTH / 2);
  const y = (/** @type {number} */ value) => HEIGHT - MARGIN - (high > low ? (value - low) / (high - low) : 0) * (HEIGHT - 2 * MARGIN);
  /** @type {string[][]} */
  const runs = [];
  points.forEach(([at, value], i) => {
    if (i === 0 || at - times[i - 1] > BREAK_MS) runs.push([]);
    runs[runs.length - 1].push(`${x(at).toFixed(1)},${y(value).toFixed(1)}`);
  });
  return runs.map((run) => (run.length > 1 ? `M${run.join("L")}` : `M${run[0]}h0.01`));
}

/**
 * @param {string} name
 * @param {string} unit
 * @param {Array<[number, number|null]>} values
 */
export function plot(name, unit, values) {
  const points = /** @type {Point[]} */ (values.filter(([, value]) => value !== null && value !== undefined));
  if (!points.length) return null;
  const last = points[points.length - 1];
  const top = Math.max(...points.map(([, value]) => value));
  const svg = document.createElementNS(SPACE, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${name}: ${figure(last[1])} ${unit} at last, ${figure(top)} at most, from ${when(points[0][0])} to ${when(last[0])}`);
  for (const run of paths(points)) {
    const path = document.createElementNS(SPACE, "path");
    path.setAttribute("d", run);
    path.setAttribute("class", run.endsWith("h0.01") ? "plot-dot" : "plot-line");
    svg.append(path);
  }
  return h("figure", { class: "plot" },
    h("figcaption", {}, h("span", {}, `${name}, at most ${figure(top)} ${unit}`), h("b", {}, `${figure(last[1])} ${unit}`)),
    svg,
    h("div", { class: "plot-ends", "aria-hidden": "true" }, h("span", {}, when(points[0][0]).slice(5, 16)), h("span", {}, when(last[0]).slice(5, 16))));
}
