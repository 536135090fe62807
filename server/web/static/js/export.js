/** Taking a project away: which kind of file, with which options, and the files that were made. */

import { api } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { onSubmit } from "./form.js";
import { JobList } from "./job-list.js";
import { announce } from "./shell.js";

/** @typedef {{name: string, label: string, kind: "choice"|"flag"|"number"|"formulas"|"many", options?: Array<[string, string]>, value?: any}} Option */

const STATUSES = /** @type {Array<[string, string]>} */ ([["V", "validated"], ["P", "predicted"], ["D", "dubious"], ["U", "unclassified"]]);
const BY = /** @type {Array<[string, string]>} */ ([["sample", "sample"], ["acquisition", "acquisition"], ["depth", "depth bin"], ["none", "nothing: the whole project"]]);
const QUANTITIES = /** @type {Array<[string, string]>} */ ([["abundance", "abundance"], ["concentration", "concentration"], ["biovolume", "biovolume"]]);
const DEPTH = /** @type {Option} */ ({ name: "depth_bin_m", label: "Depth bins, metres", kind: "number", value: 5 });
const COUNTED = /** @type {Option} */ ({ name: "statuses", label: "Objects that count", kind: "many", options: STATUSES, value: ["V"] });
/** @type {Array<[string, string, string]>} */
const FORMULAS = [
  ["total_water_volume", "Water that a sample stands for, m³", "sam.tot_vol"],
  ["subsample_coef", "Fraction of it that was looked at", "1/acq.sub_part"],
  ["individual_volume", "Volume of an object, mm³", "4.0/3.0*math.pi*(math.sqrt(obj.area/math.pi)*acq.pixel)**3"],
];
const FORMULAE = /** @type {Option} */ ({ name: "formulae", label: "Formulas, where the project's own do not fit", kind: "formulas" });
/** Names and options are those of `server/exports`. @type {Array<{kind: string, title: string, about: string, options: Option[]}>} */
const KINDS = [
  { kind: "backup", title: "Backup", about: "EcoTaxa's backup zip, images too: EcoTaxa and any shore take it in whole.", options: [] },
  { kind: "general", title: "Table", about: "EcoTaxa's general table, for R, Python and spreadsheets.", options: [
    { name: "split", label: "A file for each", kind: "choice", options: [["none", "nothing: one file"], ["sample", "sample"], ["acquisition", "acquisition"], ["taxon", "taxon"]] },
    { name: "images", label: "Images", kind: "choice", options: [["none", "none"], ["first", "the first of each object"], ["all", "all"]] },
    { name: "types", label: "With EcoTaxa's row of types, to be imported again", kind: "flag" },
    { name: "internal_ids", label: "With the shore's own numbers", kind: "flag" },
  ] },
  { kind: "summary", title: "Summary", about: "Abundance, concentration and biovolume by taxon, with the uncertainty of counts.", options: [
    { name: "quantities", label: "Quantities", kind: "many", options: QUANTITIES, value: ["abundance"] },
    { name: "by", label: "For each", kind: "choice", options: BY }, DEPTH, COUNTED, FORMULAE,
  ] },
  { kind: "spectrum", title: "Size spectrum", about: "Normalised biomass or numbers by size class.", options: [
    { name: "size", label: "Size", kind: "choice", options: [["biovolume", "biovolume"], ["esd", "equivalent spherical diameter"]] },
    { name: "by", label: "For each", kind: "choice", options: BY }, DEPTH, COUNTED, FORMULAE,
  ] },
  { kind: "dwca", title: "Darwin Core", about: "An archive with measurements, for GBIF and OBIS. The project needs a licence.", options: [
    { name: "quantities", label: "Quantities", kind: "many", options: QUANTITIES, value: QUANTITIES.map(([key]) => key) },
    { name: "include_predicted", label: "Predicted objects too", kind: "flag" },
    { name: "with_absent", label: "With taxa that a sample does not have", kind: "flag" },
    { name: "coarsen", label: "Taxa that WoRMS lacks as the nearest above", kind: "flag" }, FORMULAE,
  ] },
  { kind: "parquet", title: "Parquet", about: "Everything in columns, for pandas, R's arrow and DuckDB.", options: [
    { name: "partition", label: "A folder for each sample", kind: "flag" },
  ] },
];

/** @param {Option} option */
function field(option) {
  const { name, label, kind, options = [], value } = option;
  if (kind === "flag") return h("label", { class: "check" }, h("input", { type: "checkbox", name }), ` ${label}`);
  if (kind === "many") return h("fieldset", { class: "choices" }, h("legend", {}, label), options.map(([key, text]) => h("label", {}, h("input", { type: "checkbox", name, value: key, checked: value?.includes(key) }), text)));
  if (kind === "formulas") return h("details", { class: "formulas" }, h("summary", {}, label), FORMULAS.map(([key, text, example]) => h("label", {}, text, h("input", { type: "text", name: `formula.${key}`, maxlength: 2000, placeholder: example, spellcheck: "false" }))));
  if (kind === "choice") return h("label", {}, label, h("select", { name }, options.map(([key, text]) => h("option", { value: key }, text))));
  return h("label", {}, label, h("input", { type: "number", name, value, min: 0.1, step: "any", required: true }));
}

/**
 * The job's parameters as its form says them.
 * @param {HTMLFormElement} form
 */
function parameters(form) {
  const data = new FormData(form);
  const kind = KINDS.find((one) => one.kind === data.get("kind"));
  if (!kind) throw new Error("Choose what you need.");
  /** @type {Record<string, any>} */
  const said = { kind: kind.kind };
  for (const { name, kind: how, label } of kind.options) {
    if (how === "flag") said[name] = data.has(name);
    else if (how === "many") said[name] = data.getAll(name);
    else if (how === "formulas") said[name] = Object.fromEntries(FORMULAS.map(([key]) => [key, String(data.get(`formula.${key}`) ?? "").trim()]).filter(([, text]) => text));
    else said[name] = how === "number" ? Number(data.get(name)) : data.get(name);
    if (how === "many" && !said[name].length) throw new Error(`${label}: choose at least one.`);
  }
  return said;
}

/** @param {string[]} offered */
function showKinds(offered) {
  const room = byId("kinds");
  const known = KINDS.filter(({ kind }) => offered.includes(kind));
  for (const [at, { kind, title, about }] of known.entries()) {
    room.append(h("label", { class: "kind" }, h("input", { type: "radio", name: "kind", value: kind, checked: at === 0, onchange: showOptions }), h("span", {}, h("b", {}, title), h("small", {}, about))));
  }
  showOptions();
}

function showOptions() {
  const kind = new FormData(byId("begin")).get("kind");
  fill(byId("options"), KINDS.find((one) => one.kind === kind)?.options.map(field) ?? []);
}

async function start() {
  const projectId = Number(byId("project").dataset.project);
  const list = new JobList(byId("jobs"), { project_id: projectId, type: "export" }, null);
  list.start();
  showKinds(byId("begin").dataset.kinds.split(" "));
  onSubmit(byId("begin"), async (_, form) => {
    await api("POST", `/api/projects/${projectId}/exports`, parameters(form));
    announce("The export has begun");
    await list.refresh();
  });
}

if (document.getElementById("begin")) void start();
