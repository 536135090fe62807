/** Settings of a project: what it is, who belongs to it, its list of taxa, the columns that it shows. */

import { api } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { onSubmit } from "./form.js";
import { plural } from "./format.js";
import { alone } from "./latest.js";
import { announce, explain } from "./shell.js";
import { TaxonSearch } from "./taxon-search.js";

const project = byId("project");
const base = `/api/projects/${project.dataset.project}`;
const manages = project.dataset.right === "manage";
const MAY = { view: "may look", annotate: "may annotate", manage: "manages" };
const SHOWN_MOST = 6;
/** @type {any[]} */
let taxa = [];

/** @param {any} settings */
function showAbout(settings) {
  const form = byId("about");
  const { elements } = form;
  fill(elements.licence, Object.entries(settings.licences).map(([key, text]) => h("option", { value: key }, key ? `${key}: ${text}` : text)));
  for (const name of ["title", "description", "instrument", "licence"]) elements[name].value = settings[name];
  elements.access.value = settings.access;
  if (manages) form.querySelector("fieldset").disabled = false; // not before: what was typed would be overwritten
  form.setAttribute("aria-busy", "false");
}

/** @param {any[]} members */
function showMembers(members) {
  const mine = document.body.dataset.user;
  fill(byId("members"), members.length ? h("table", { class: "rows" },
    h("thead", {}, h("tr", {}, ["Name", "Right", ""].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, members.map((one) => h("tr", {},
      h("td", { class: "cell-words", "data-label": "Name" }, h("div", {}, one.name, h("small", { class: "line" }, one.email, !one.active && " · may not log in"))),
      h("td", { "data-label": "Right" }, MAY[/** @type {keyof typeof MAY} */ (one.may)]),
      h("td", { class: "acts" }, (manages || one.email === mine) && h("button", { type: "button", class: "quiet", "aria-label": `${one.email === mine ? "Leave" : `Remove ${one.name}`}`, onclick: () => removeMember(one) }, one.email === mine ? "Leave" : "Remove"))))))
    : h("p", { class: "muted" }, "None: whoever sees the project may what their role gives."));
  byId("members").setAttribute("aria-busy", "false");
}

/** @param {any} member */
async function removeMember(member) {
  const leaving = member.email === document.body.dataset.user;
  if (!confirm(leaving ? "Leave this project?" : `Remove ${member.name} from this project?`)) return;
  try {
    showMembers(await api("DELETE", `${base}/members/${member.user_id}`));
    announce(leaving ? "You left" : `${member.name} removed`);
    if (leaving) location.assign("/");
  } catch (error) {
    explain(error);
  }
}

/**
 * @param {Array<{name: string, kind: string}>} columns
 * @param {string[]} shown
 */
function showColumns(columns, shown) {
  const order = new Map(shown.map((name, at) => [name, at]));
  const sorted = [...columns].sort((a, b) => (order.get(a.name) ?? 999) - (order.get(b.name) ?? 999));
  byId("columns-about").textContent = columns.length
    ? `${plural(columns.length, "column")} of objects, ${plural(columns.filter(({ kind }) => kind === "text").length, "text")}. Chosen ones are shown under each vignette, ${SHOWN_MOST} at most.`
    : "Objects have none yet; they come with the measures of an instrument and with imports.";
  fill(byId("columns"), sorted.map(({ name, kind }) => h("label", { class: "column-choice", data: { name: name.toLowerCase() } },
    h("input", { type: "checkbox", name: "shown", value: name, checked: order.has(name), disabled: !manages }), h("span", {}, name), h("small", {}, kind))));
  byId("columns-form").setAttribute("aria-busy", "false");
  byId("columns-form").querySelector("button").hidden = !columns.length || !manages;
  byId("find-column").hidden = columns.length < 12;
}

function showTaxa() {
  fill(byId("taxon-list"), taxa.length
    ? taxa.map((taxon, at) => h("li", {}, h("span", { title: taxon.path }, taxon.display_name),
        manages && h("button", { type: "button", class: "quiet", "aria-label": `Earlier: ${taxon.display_name}`, disabled: at === 0, onclick: () => move(at) }, "↑"),
        manages && h("button", { type: "button", class: "quiet", "aria-label": `Take off ${taxon.display_name}`, onclick: () => keepTaxa(taxa.filter((one) => one !== taxon)) }, "×")))
    : h("li", { class: "muted" }, "No list."));
  byId("taxon-list").setAttribute("aria-busy", "false");
  /** @type {HTMLButtonElement} */ (byId("add-taxon")).disabled = false; // before, the list would be replaced by the one taxon
}

/** @param {number} at */
function move(at) {
  const next = [...taxa];
  [next[at - 1], next[at]] = [next[at], next[at - 1]];
  void keepTaxa(next);
}

/** @param {any[]} next */
async function keepTaxa(next) {
  try {
    await alone(byId("taxa-card"), async () => {
      taxa = await api("PUT", `${base}/taxon_list`, { taxon_ids: next.map(({ taxon_id }) => taxon_id) });
    });
    showTaxa();
    announce(plural(taxa.length, "taxon", "taxa"));
  } catch (error) {
    explain(error);
  }
}

function lock() {
  byId("read-only").hidden = false;
  byId("about").querySelector(".card-foot").hidden = true;
  byId("add-member").hidden = true;
  byId("add-taxon").hidden = true;
}

onSubmit(byId("about"), async ({ title, description, instrument, licence, access }) => {
  const settings = await api("PATCH", `${base}/settings`, { title, description, instrument, licence, access });
  byId("project").querySelector("h1").textContent = settings.title;
  byId("about-said").textContent = "Saved";
});
byId("about").addEventListener("input", () => (byId("about-said").textContent = ""));
onSubmit(byId("add-member"), async (data, form) => {
  showMembers(await api("PUT", `${base}/members`, data));
  announce(`${data.email} ${MAY[/** @type {keyof typeof MAY} */ (data.may)]}`);
  form.reset();
});
onSubmit(byId("columns-form"), async (_, form) => {
  const shown = new FormData(form).getAll("shown");
  if (shown.length > SHOWN_MOST) throw new Error(`${shown.length} columns are chosen: ${SHOWN_MOST} fit under a vignette.`);
  await api("PATCH", `${base}/settings`, { shown });
  byId("columns-said").textContent = "Saved";
});
byId("find-column").addEventListener("input", (/** @type {any} */ event) => {
  const text = event.target.value.trim().toLowerCase();
  for (const choice of byId("columns").children) choice.hidden = !choice.dataset.name.includes(text);
});
byId("add-taxon").addEventListener("click", async () => {
  const taxon = await search.ask("", "the project's list");
  if (taxon && !taxa.some(({ taxon_id }) => taxon_id === taxon.taxon_id)) await keepTaxa([...taxa, taxon]);
});

const search = new TaxonSearch(byId("taxon-search"), Number(project.dataset.project), () => []);
if (!manages) lock();
Promise.all(["settings", "members", "columns", "taxon_list"].map((what) => api("GET", `${base}/${what}`))).then(([settings, members, columns, listed]) => {
  showAbout(settings);
  showMembers(members);
  showColumns(columns, settings.shown);
  taxa = listed;
  showTaxa();
}).catch(explain);
fill(byId("instruments"), ["UVP5", "UVP6", "PlanktoScope", "ZooScan", "IFCB", "FlowCam", "ISIIS", "LISST-Holo"].map((name) => h("option", { value: name })));
