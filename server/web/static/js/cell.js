/**
 * One cell of the grid: a vignette, its taxon, score and status. A cell is made once, then filled
 * again for another object as the grid scrolls. It has no listeners of its own.
 */

import { marks } from "./ask.js";
import { h } from "./dom.js";
import { freeValue, percent, STATUS, um } from "./format.js";

/** @typedef {import("./types.js").SeaObject} SeaObject */

/**
 * How the vignettes are drawn: `scale` is displayed px per µm, or null to fit each to its well.
 * @typedef {{scale: number|null, width: number, height: number}} Well
 */

/** How a mark is drawn on a cell. @type {Record<string, string>} */
const NOTES = { "short values": "≈", "dated later": "◷", "no date yet": "◌" };

/** @returns {HTMLElement} */
export function makeCell() {
  return h(
    "div",
    { class: "cell", role: "option" },
    h("div", { class: "cell-well" }),
    h("div", { class: "cell-score" }),
    h(
      "div",
      { class: "cell-text" },
      h("span", { class: "cell-mark", "aria-hidden": "true" }),
      h("span", { class: "cell-taxon" }),
      h("span", { class: "cell-percent" }),
    ),
    h("span", { class: "cell-tick", "aria-hidden": "true" }, "✓"),
    h("span", { class: "cell-notes", "aria-hidden": "true" }),
    h("dl", { class: "cell-free", "aria-hidden": "true" }),
  );
}

/**
 * @param {HTMLElement} cell
 * @param {SeaObject} object
 * @param {Well} well
 */
export function fillCell(cell, object, well) {
  const [box, bar, text, , notes, columns] = /** @type {HTMLElement[]} */ ([...cell.children]);
  const [mark, taxon, score] = /** @type {HTMLElement[]} */ ([...text.children]);
  const status = STATUS[object.status] ?? STATUS.U;
  const name = object.taxon ?? "no taxon";
  const shown = JSON.stringify([object.objid, object.status, name, object.score, object.image, object.precision, object.utc_source, object.free, well]);
  if (cell.dataset.shown === shown) return;
  cell.dataset.shown = shown;
  cell.id = `object-${object.objid}`;
  cell.dataset.objid = String(object.objid);
  cell.dataset.status = object.status;
  cell.dataset.field = object.optical_field ?? "dark";
  cell.setAttribute("aria-label", label(object, name, status.word));
  const said = marks(object);
  notes.textContent = said.map(([word]) => NOTES[word]).join("");
  notes.title = said.map(([, means]) => means).join(". ");
  mark.textContent = status.glyph;
  taxon.textContent = name;
  taxon.title = name;
  score.textContent = object.score === null ? "" : percent(object.score);
  bar.style.setProperty("--score", `${Math.round((object.score ?? 0) * 100)}%`);
  bar.style.setProperty("--score-colour", scoreColour(object.score));
  if (columns.childElementCount || object.free?.length) {
    columns.replaceChildren(...(object.free ?? []).map(([key, value]) => h("div", { title: `${key}: ${freeValue(value)}` }, h("dt", {}, key), h("dd", {}, freeValue(value)))));
  }
  drawVignette(box, object, well);
}

/**
 * @param {SeaObject} object
 * @param {string} name
 * @param {string} word
 */
function label(object, name, word) {
  const score = object.score === null ? "" : `, score ${percent(object.score)}`;
  const said = marks(object).map(([mark]) => `, ${mark}`).join("");
  return `${name}, ${word.toLowerCase()}${score}, ${um(object.esd_um)}${said}`;
}

/**
 * From amber (doubtful) to sea glass (sure).
 * @param {number|null} score
 */
export function scoreColour(score) {
  return `color-mix(in oklab, #f0a844, #3fcab8 ${Math.round((score ?? 0) * 100)}%)`;
}

/**
 * @param {HTMLElement} box
 * @param {SeaObject} object
 * @param {Well} well
 */
function drawVignette(box, object, well) {
  if (!object.image) {
    if (box.firstElementChild?.className !== "cell-none") {
      box.replaceChildren(h("span", { class: "cell-none" }, "image not here yet"));
    }
    return;
  }
  let image = /** @type {HTMLImageElement|null} */ (box.querySelector("img"));
  if (!image) {
    image = h("img", { alt: "", decoding: "async", draggable: "false" });
    box.replaceChildren(/** @type {HTMLElement} */ (image));
  }
  if (image && image.getAttribute("src") !== object.image) image.src = object.image;
  box.querySelector(".cell-shrunk")?.remove();
  if (image) sizeVignette(box, image, object, well);
}

/**
 * @param {HTMLElement} box
 * @param {HTMLImageElement} image
 * @param {SeaObject} object
 * @param {Well} well
 */
function sizeVignette(box, image, object, well) {
  const { width, height } = object;
  image.classList.toggle("fit", well.scale === null || !width || !height);
  if (well.scale === null || !width || !height) {
    image.style.width = "";
    image.style.height = "";
    return;
  }
  const wanted = well.scale * (object.pixel_um ?? 1);
  const most = Math.min(well.width / width, well.height / height);
  const used = Math.min(wanted, most);
  image.style.width = `${width * used}px`;
  image.style.height = `${height * used}px`;
  if (used < wanted * 0.98) {
    box.append(h("span", { class: "cell-shrunk" }, `÷ ${(wanted / used).toFixed(1)}`));
  }
}
