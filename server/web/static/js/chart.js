/**
 * Days as pictures: areas stacked by status, and bars. Scalable, in the page's own colours, read
 * aloud as one sentence; pointing at a day, or walking along with the arrow keys, says its numbers.
 *
 * @example fill(room, areas([{day: "2026-05-04", V: 5, P: 3, D: 0, X: 0, U: 0}]));
 */

import { h } from "./dom.js";
import { count, STATUS } from "./format.js";

const SPACE = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 240;
const DAY_MS = 86_400_000;
const ORDER = ["V", "P", "D", "U", "X"];
/** More bars than this are put together by weeks. */
const BARS_MOST = 120;

/**
 * @param {string} tag
 * @param {Record<string, any>} attributes
 */
function svg(tag, attributes) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** @param {string} day */
const dayNumber = (day) => Math.round(Date.parse(`${day}T00:00:00Z`) / DAY_MS);

/** @param {number} number */
const dayName = (number) => new Date(number * DAY_MS).toISOString().slice(0, 10);

/**
 * The smallest of 1, 2, 5 times a power of ten that is not below `value`. Pure.
 * @param {number} value
 */
export function ceiling(value) {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value) ?? 10 * power;
}

/**
 * Days put together by weeks that begin on Mondays, when there are many. Pure.
 * @param {Array<{day: string, n: number}>} days  in order
 * @returns {Array<{day: string, n: number}>}
 */
export function grouped(days) {
  if (!days.length) return [];
  const first = dayNumber(days[0].day);
  const last = dayNumber(days[days.length - 1].day);
  const weekly = last - first >= BARS_MOST;
  const start = (/** @type {number} */ day) => (weekly ? day - ((day + 3) % 7) : day);
  /** @type {Map<number, number>} */
  const sums = new Map();
  for (let at = start(first); at <= last; at += weekly ? 7 : 1) sums.set(at, 0);
  for (const { day, n } of days) sums.set(start(dayNumber(day)), (sums.get(start(dayNumber(day))) ?? 0) + n);
  return [...sums].map(([day, n]) => ({ day: dayName(day), n }));
}

/**
 * @param {string} label
 * @param {SVGElement[]} shapes
 * @param {{top: number, ends: [string, string], says: (share: number) => [number, string], steps: number}} how
 */
function frame(label, shapes, { top, ends, says, steps }) {
  const cursor = svg("line", { class: "chart-cursor", y1: 0, y2: HEIGHT, x1: -9, x2: -9 });
  const said = h("p", { class: "chart-said", "aria-live": "polite" }, "Point at a day for its numbers");
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label, tabindex: 0 });
  picture.append(...[0.25, 0.5, 0.75].map((share) => svg("line", { class: "chart-grid", x1: 0, x2: WIDTH, y1: HEIGHT * share, y2: HEIGHT * share })), ...shapes, cursor);
  let at = 1;
  const point = (/** @type {number} */ share) => {
    at = Math.max(0, Math.min(1, share));
    const [x, text] = says(at);
    cursor.setAttribute("x1", String(x));
    cursor.setAttribute("x2", String(x));
    said.textContent = text;
  };
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    point((/** @type {PointerEvent} */ (event).clientX - box.left) / Math.max(1, box.width));
  });
  picture.addEventListener("focus", () => point(at));
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[/** @type {KeyboardEvent} */ (event).key];
    if (!step) return;
    event.preventDefault();
    point(at + step / Math.max(1, steps));
  });
  return h("figure", { class: "chart" },
    h("div", { class: "chart-scale", "aria-hidden": "true" }, h("span", {}, count(top)), h("span", {}, count(top / 2)), h("span", {}, "0")),
    picture, h("div", { class: "chart-ends", "aria-hidden": "true" }, h("span", {}, ends[0]), h("span", {}, ends[1])), said);
}

/**
 * How many objects were of each status at the end of each day, stacked.
 * @param {Array<any>} days  `day` and a count for each status; days without change are left out
 */
export function areas(days) {
  const first = dayNumber(days[0].day) - 1;
  const last = Math.max(dayNumber(days[days.length - 1].day), first + 1);
  const total = (/** @type {any} */ row) => ORDER.reduce((sum, status) => sum + row[status], 0);
  const top = ceiling(Math.max(...days.map(total)));
  const x = (/** @type {number} */ day) => (WIDTH * (day - first)) / (last - first);
  const y = (/** @type {number} */ n) => HEIGHT * (1 - n / top);
  const none = { ...Object.fromEntries(ORDER.map((status) => [status, 0])) };
  const rows = [{ at: first, row: none }, ...days.map((row) => ({ at: dayNumber(row.day), row }))];
  const below = rows.map(() => 0);
  const shapes = ORDER.map((status) => {
    const floor = rows.map(({ at }, i) => `${x(at).toFixed(1)},${y(below[i]).toFixed(1)}`);
    rows.forEach(({ row }, i) => (below[i] += row[status]));
    const roof = rows.map(({ at }, i) => `${x(at).toFixed(1)},${y(below[i]).toFixed(1)}`);
    return svg("path", { class: "chart-area", "data-status": status, d: `M${roof.join("L")}L${floor.reverse().join("L")}Z` });
  });
  const end = days[days.length - 1];
  const words = (/** @type {any} */ row) => ORDER.filter((status) => row[status]).map((status) => `${count(row[status])} ${STATUS[status].word.toLowerCase()}`).join(", ") || "no objects";
  const says = (/** @type {number} */ share) => {
    const wanted = first + share * (last - first);
    const latest = [...rows].reverse().find(({ at }) => at <= wanted + 0.5) ?? rows[0];
    return /** @type {[number, string]} */ ([x(latest.at), `${dayName(latest.at)}: ${words(latest.row)}`]);
  };
  const legend = h("ul", { class: "tally" }, ORDER.map((status) => h("li", { data: { status } }, h("span", { class: "dot" }), h("b", {}, count(end[status])), STATUS[status].word.toLowerCase())));
  return [legend, frame(`Objects by status since ${days[0].day}; at last ${words(end)}`, shapes, { top, ends: [dayName(first), end.day], says, steps: last - first })];
}

/**
 * @param {Array<{day: string, n: number}>} days  in order
 * @param {string} what  e.g. "objects"
 */
export function bars(days, what) {
  const shown = grouped(days);
  const top = ceiling(Math.max(...shown.map(({ n }) => n)));
  const width = WIDTH / shown.length;
  const shapes = shown.map(({ n }, i) => svg("rect", { class: "chart-bar", x: (i * width + width * 0.1).toFixed(1), width: (width * 0.8).toFixed(1), y: (HEIGHT * (1 - Math.max(0, n) / top)).toFixed(1), height: ((HEIGHT * Math.max(0, n)) / top).toFixed(1) }));
  const weekly = shown.length > 1 && dayNumber(shown[1].day) - dayNumber(shown[0].day) === 7;
  const says = (/** @type {number} */ share) => {
    const i = Math.min(shown.length - 1, Math.floor(share * shown.length));
    return /** @type {[number, string]} */ ([(i + 0.5) * width, `${weekly ? "week of " : ""}${shown[i].day}: ${count(shown[i].n)} ${what}`]);
  };
  const sum = days.reduce((all, { n }) => all + n, 0);
  return frame(`${count(sum)} ${what} from ${days[0].day} to ${days[days.length - 1].day}`, shapes, { top, ends: [shown[0].day, shown[shown.length - 1].day], says, steps: shown.length });
}
