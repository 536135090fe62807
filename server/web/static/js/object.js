/** One object: its picture with a scale, what it was taken for and by whom, its measures. */

import { api, ApiError } from "./api.js";
import { askButton, markBadges } from "./ask.js";
import { byId, fill, h } from "./dom.js";
import { figure, freeValue, percent, place, roundLength, shortId, STATUS, um, when } from "./format.js";
import { drawKey } from "./outbox.js";
import { announce, explain } from "./shell.js";
import { TaxonSearch } from "./taxon-search.js";

const root = byId("object");
const objid = Number(root.dataset.objid);
const VERBS = [["validate", "Validate", "primary"], ["dubious", "Dubious", ""], ["discard", "Discard", ""], ["reset", "Reset", ""]];
/** Largest magnification of a vignette on its page. */
const ENLARGE = 8;

/** @param {any} object */
function portrait(object) {
  const first = object.images?.[0];
  const source = object.image ?? (first ? `/api/objects/${objid}/image?rank=${first.rank ?? 0}` : null);
  const frame = h("figure", { class: "portrait", data: { field: object.optical_field ?? "dark" } });
  if (!source) {
    fill(frame, h("div", { class: "waiting" }, h("span", { class: "muted" }, "The image has not arrived yet; the record came first."), askButton(object)));
    return frame;
  }
  const image = h("img", { src: source, alt: `Vignette of ${object.taxon ?? "an object"}` });
  const bar = h("div", { class: "scale-bar", hidden: true }, h("span", { class: "scale-rule" }), h("span", {}));
  image.addEventListener("load", () => enlarge(frame, image, bar, object.pixel_um ?? null));
  fill(frame, image, bar);
  return frame;
}

/**
 * Shows the vignette as large as there is room for, and how long that is in the sea.
 * @param {HTMLElement} frame
 * @param {HTMLImageElement} image
 * @param {HTMLElement} bar
 * @param {number|null} pixelUm
 */
function enlarge(frame, image, bar, pixelUm) {
  const room = Math.min(frame.clientWidth - 56, 560);
  const times = Math.min(ENLARGE, room / image.naturalWidth, 460 / image.naturalHeight);
  image.style.width = `${image.naturalWidth * times}px`;
  if (times > 3) image.style.imageRendering = "pixelated";
  if (!pixelUm) return;
  const perPx = pixelUm / times;
  const length = roundLength(Math.min(160, room / 2) * perPx);
  const [rule, text] = /** @type {HTMLElement[]} */ ([...bar.children]);
  rule.style.width = `${length / perPx}px`;
  text.textContent = um(length);
  bar.hidden = false;
}

/** @param {any} object */
function facts(object) {
  /** @type {Array<[string, string]>} */
  const rows = [
    ["ESD", um(object.esd_um)],
    ["Depth", object.depth_m === null || object.depth_m === undefined ? "–" : `${object.depth_m.toFixed(1)} m`],
    ["Place", place(object.lat_deg, object.lon_deg)],
    ["Time", when(object.utc_ms)],
    ["Sample", object.sample ?? "–"],
    ["Acquisition", object.acquisition ?? "–"],
    ["Frame", object.frame ?? "–"],
    ["Device", object.device ?? "–"],
    ["Release", shortId(object.release)],
    ["Pixel", object.pixel_um ? `${figure(object.pixel_um)} µm` : "–"],
    ["Vignette", object.width && object.height ? `${object.width} × ${object.height} px` : "–"],
  ];
  return h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** @param {any} object */
function guesses(object) {
  if (!object.top?.length) return null;
  return h("section", { class: "card" }, h("h2", {}, object.device_id ? "The device's guesses" : "Predicted"),
    h("div", { class: "tops" }, object.top.map((/** @type {[string, number]} */ [name, score]) =>
      h("div", { class: "top-row" }, h("span", {}, name), h("span", { class: "muted" }, percent(score)),
        h("progress", { max: 1, value: score, "aria-label": `Score of ${name}` })))));
}

/** @type {Record<string, string>} */
const DONE = { arrive: "Arrived unclassified", predict: "Predicted", validate: "Validated", relabel: "Relabelled", dubious: "Marked dubious", discard: "Discarded", reset: "Reset to the prediction", undo: "Undone", redo: "Done again" };

/**
 * What was said about it, the latest first, down to what the device said at sea.
 * @param {any} object
 */
function history(object) {
  const first = { action: object.predicted_taxon ? "predict" : "arrive", status: object.predicted_taxon ? "P" : "U",
    taxon: object.predicted_taxon, release: object.release, at_ms: object.received_ms };
  const told = object.history.some((/** @type {any} */ event) => event.action === "predict");
  const events = told ? object.history : [first, ...object.history];
  return h("ol", { class: "history" }, [...events].reverse().map((event) => {
    const who = event.user ?? (event.release ? `release ${shortId(event.release)}` : object.device_id ? "the device" : "what was imported");
    const what = [DONE[event.action] ?? event.action, event.taxon ? `: ${event.taxon}` : ""];
    return h("li", { data: { status: event.status } }, h("div", {}, what),
      h("small", {}, `${who} · ${when(event.at_ms)}${event.undone ? " · undone since" : ""}`));
  }));
}

/** @param {any} object */
function measures(object) {
  const values = Object.entries(object.measures ?? {});
  if (!values.length) return h("p", { class: "muted" }, "No measures came with this object.");
  return h("dl", { class: "measures" }, values.map(([name, value]) =>
    h("div", {}, h("dt", { class: "mono" }, name),
      h("dd", {}, figure(/** @type {number} */ (value)), h("small", {}, ` ${object.units?.[name] ?? ""}`)))));
}

/**
 * Free columns that are no measures of an instrument.
 * @param {any} object
 */
function columns(object) {
  const known = object.measures ?? {};
  const values = object.free.filter((/** @type {[string, any]} */ [name]) => !(name in known));
  if (!values.length) return null;
  return h("section", { class: "card wide" }, h("h2", {}, "Free columns"),
    h("dl", { class: "measures" }, values.map((/** @type {[string, any]} */ [name, value]) => h("div", {}, h("dt", { class: "mono" }, name), h("dd", {}, freeValue(value))))));
}

/** @param {any} object */
function show(object) {
  document.title = `${object.taxon ?? "Object"} ${objid} · Seadrift`;
  const back = `/projects/${object.project_id}/review`;
  fill(root,
    h("div", { class: "page-head" },
      h("div", {}, object.project_id ? h("a", { class: "muted", href: back }, "Back to the review") : null, h("h1", {}, object.taxon ?? "No taxon"),
        h("p", { class: "muted" }, `${object.orig_id ?? "Object"} · objid ${objid}`)),
      h("div", { class: "marks" }, markBadges(object), h("span", { class: "badge", data: { status: object.status } }, STATUS[object.status]?.word ?? object.status))),
    h("div", { class: "column" }, portrait(object), verbs(object)),
    h("div", { class: "column" }, guesses(object), h("section", { class: "card" }, h("h2", {}, "Where it was"), facts(object)),
      h("section", { class: "card" }, h("h2", {}, "History"), history(object))),
    object.device_id || Object.keys(object.measures ?? {}).length ? h("section", { class: "card wide" }, h("h2", {}, "Measures"), measures(object)) : null,
    columns(object));
  root.setAttribute("aria-busy", "false");
}

/** @param {any} object */
function verbs(object) {
  const relabel = async () => {
    const search = new TaxonSearch(byId("taxon-search"), object.project_id, () => []);
    const taxon = await search.ask("", "this object");
    if (taxon) await act(object, "relabel", "Relabel", taxon.taxon_id);
  };
  return h("div", { class: "card-foot" }, VERBS.map(([verb, label, kind]) =>
    h("button", { type: "button", class: kind, onclick: () => act(object, verb, label), disabled: verb === "validate" && object.status === "V" }, label)),
    h("button", { type: "button", onclick: relabel }, "Relabel"));
}

/**
 * @param {any} object
 * @param {string} verb
 * @param {string} label
 * @param {number} [taxonId]  for relabel
 */
async function act(object, verb, label, taxonId) {
  try {
    await api("POST", `/api/projects/${object.project_id}/classify`, { action: verb, objids: [objid], taxon_id: taxonId, key: drawKey() });
    show(await api("GET", `/api/objects/${objid}`));
    announce(`${label}: done`);
  } catch (error) {
    explain(error);
  }
}

/** @param {unknown} error */
function missing(error) {
  if (!(error instanceof ApiError) || error.status !== 404) return explain(error);
  fill(root, h("div", { class: "empty" }, h("h1", {}, `Object ${objid} is not here`),
    h("p", { class: "muted" }, "It may belong to another shore, or the address may be mistyped."),
    h("a", { class: "button", href: "/" }, "To the projects")));
  root.setAttribute("aria-busy", "false");
}

api("GET", `/api/objects/${objid}`).then(show).catch(missing);
