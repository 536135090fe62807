/** The object at the cursor, large: what it was taken for, how big, where, when. */

import { askButton, markBadges } from "./ask.js";
import { byId, fill, h } from "./dom.js";
import { freeValue, percent, place, shortId, STATUS, um, when } from "./format.js";

/** @typedef {import("./types.js").SeaObject} SeaObject */

/**
 * @param {SeaObject|null} object
 * @param {(guess: number) => void} take  relabel as this guess
 */
export function inspect(object, take) {
  const panel = byId("inspector");
  if (!object) {
    fill(panel);
    return;
  }
  const status = STATUS[object.status];
  fill(
    panel,
    h(
      "a",
      { class: "inspector-image", href: `/objects/${object.objid}`, data: { field: object.optical_field ?? "dark" }, "aria-label": "Open the object" },
      object.image ? h("img", { src: object.image, alt: `Vignette of ${object.taxon ?? "an object"}` }) : "image not here yet",
    ),
    h(
      "div",
      { class: "inspector-head" },
      h("h2", {}, object.taxon ?? "No taxon"),
      h("span", { class: "badge", data: { status: object.status } }, status.word),
    ),
    h("div", { class: "marks" }, markBadges(object), askButton(object)),
    guesses(object, take),
    facts(object),
  );
}

/**
 * @param {SeaObject} object
 * @param {(guess: number) => void} take
 */
function guesses(object, take) {
  if (!object.top?.length) return null;
  return h(
    "div",
    { class: "guesses" },
    h("h3", {}, object.device_id ? "The device's guesses" : "Predicted"),
    object.top.slice(0, 3).map(([name, score], index) =>
      h(
        "button",
        { type: "button", class: "guess", title: `Relabel as ${name}`, onclick: () => take(index) },
        h("kbd", {}, String(index + 1)),
        h("span", { class: "guess-name" }, name),
        h("span", { class: "guess-score" }, percent(score)),
        h("span", { class: "guess-bar", vars: { "--share": `${Math.round(score * 100)}%` } }),
      ),
    ),
  );
}

/** @param {SeaObject} object */
function facts(object) {
  /** @type {Array<[string, string|null]>} */
  const rows = [
    ["ESD", um(object.esd_um)],
    ["Vignette", object.width && object.height ? `${object.width} × ${object.height} px` : "–"],
    ["Depth", object.depth_m === null ? "–" : `${object.depth_m.toFixed(1)} m`],
    ["Place", place(object.lat_deg, object.lon_deg)],
    ["Time", when(object.utc_ms)],
    ["Sample", object.sample ?? "–"],
    ["Device", object.device ?? "–"],
    ["Release", shortId(object.release)],
    ["Object", String(object.objid)],
    ...(object.free ?? []).map(([name, value]) => /** @type {[string, string]} */ ([name, freeValue(value)])),
  ];
  return h(
    "dl",
    { class: "plain-facts" },
    rows.map(([name, value]) => [h("dt", {}, name), h("dd", { title: value }, value)]),
  );
}
