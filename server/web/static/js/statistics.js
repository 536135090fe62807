/** Statistics of a project: progress, people, taxa, what releases got right, samples. */

import { api } from "./api.js";
import { areas, bars } from "./chart.js";
import { byId, fill, h } from "./dom.js";
import { ago, count, percent, plural, STATUS } from "./format.js";
import { alone, Latest } from "./latest.js";
import { explain } from "./shell.js";
import { meterParts } from "./taxa-list.js";

const base = `/api/projects/${byId("project").dataset.project}/statistics`;
const SAID = ["V", "D", "X", "P"];
const ROWS = 50;
const PAIRS = 12;
const SAMPLES = 50;

/**
 * @param {string[]} heads  a leading "#" is a column of numbers
 * @param {any[][]} rows
 */
function table(heads, rows) {
  const plain = heads.map((head) => head.replace(/^#/, ""));
  const numeric = heads.map((head) => head.startsWith("#"));
  return h("table", { class: "rows" },
    h("thead", {}, h("tr", {}, plain.map((head, i) => h("th", { scope: "col", class: numeric[i] && "number" }, head)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, i) => h("td", { class: numeric[i] ? "number" : "cell-words", "data-label": plain[i] }, cell))))));
}

/**
 * @param {string} id
 * @param {any[]} rows
 * @param {string} none
 * @param {(rows: any[]) => any} draw
 */
function show(id, rows, none, draw) {
  fill(byId(id), rows.length ? draw(rows) : h("p", { class: "muted" }, none));
  byId(id).setAttribute("aria-busy", "false");
}

/** @param {number} ms */
const hours = (ms) => (ms < 60_000 ? "under a minute" : ms < 3_600_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`);

async function showProgress() {
  const days = await api("GET", `${base}/progress`);
  show("progress", days, "No object has arrived yet.", areas);
  const end = days.at(-1);
  if (!end) return;
  const total = ["U", "P", "D", "V", "X"].reduce((sum, status) => sum + end[status], 0);
  byId("progress-now").textContent = `${percent(total ? end.V / total : 0)} of ${plural(total, "object")} validated`;
}

const newest = new Latest();

async function showPeriod() {
  const { since, until, user_id } = Object.fromEntries(new FormData(byId("period")));
  const problem = byId("period").querySelector(".form-error");
  problem.hidden = true;
  try {
    const found = await newest.of(Promise.all([
      api("GET", `${base}/people`, { since, until }), api("GET", `${base}/days`, { since, until, user_id }), api("GET", `${base}/taxa`, { since, until, user_id })]));
    if (!found) return;
    const [people, days, said] = found;
    showPeople(people);
    show("days", summed(days), "Nobody worked in this time.", (rows) => bars(rows, "objects"));
    show("said", said, "Nobody said anything in this time.", taxa);
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
    problem.hidden = false;
  }
}

/** @param {any[]} people */
function showPeople(people) {
  show("people", people, "Nobody worked in this time.", (rows) => table(["Name", "#Objects", "#An hour", "#At work", "#Sessions", "Last"],
    rows.map((one) => [one.name, count(one.objects), one.objects_per_h === null ? "–" : count(one.objects_per_h), hours(one.active_ms), count(one.sessions), ago(one.last_ms, Date.now())])));
  const select = byId("period").elements.user_id;
  for (const one of people) {
    if (![...select.options].some((option) => option.value === String(one.user_id))) select.append(h("option", { value: one.user_id }, one.name));
  }
}

/**
 * Objects a day, of all people together.
 * @param {Array<{day: string, objects: number}>} days
 */
function summed(days) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const { day, objects } of days) sums.set(day, (sums.get(day) ?? 0) + objects);
  return [...sums].map(([day, n]) => ({ day, n }));
}

/** @param {any[]} rows */
function taxa(rows) {
  const drawn = table(["Taxon", ...SAID.map((status) => `#${status === "P" ? "Given back" : STATUS[status].word}`)],
    rows.slice(0, ROWS).map((row) => [row.taxon, ...SAID.map((status) => (row[status] ? count(row[status] + (status === "P" ? row.U : 0)) : "–"))]));
  return [drawn, rows.length > ROWS && h("p", { class: "muted" }, `and ${plural(rows.length - ROWS, "taxon", "taxa")} more`)];
}

async function showAgreement() {
  const releases = await api("GET", `${base}/agreement`);
  show("agreement", releases, "Nobody judged a prediction yet.", (rows) => rows.map(release));
}

/** @param {any} row */
function release(row) {
  const share = row.judged ? row.confirmed / row.judged : null;
  return h("article", { class: "agreement" },
    h("div", { class: "card-head" }, h("h3", {}, row.name ?? "Without a release: imported, or predicted on shore"), h("span", {}, h("b", {}, percent(share)), h("span", { class: "muted" }, ` of ${plural(row.judged, "prediction")} confirmed`))),
    h("div", { class: "halves" },
      h("div", {}, h("h4", {}, "By predicted taxon"), table(["Taxon", "#Judged", "#Confirmed", ""], row.taxa.slice(0, ROWS).map((/** @type {any} */ one) => [one.taxon, count(one.judged), percent(one.confirmed / one.judged), shareBar(one.confirmed / one.judged)]))),
      h("div", {}, h("h4", {}, "Commonest corrections"), row.pairs.length
        ? table(["Predicted", "People say", "#Objects"], row.pairs.slice(0, PAIRS).map((/** @type {any} */ pair) => [pair.predicted, pair.taxon, count(pair.n)]))
        : h("p", { class: "muted" }, "None: every judged prediction was confirmed."))));
}

/** @param {number} share */
function shareBar(share) {
  return h("progress", { class: "share", max: 1, value: share, "aria-hidden": "true" });
}

let shown = 0;

async function showSamples() {
  const { total, samples } = await api("GET", `${base}/samples`, { limit: SAMPLES, offset: shown });
  const rows = samples.map((/** @type {any} */ row) => {
    const sum = ["U", "P", "D", "V", "X"].reduce((all, status) => all + row[status], 0);
    const counts = { total: sum, unclassified: row.U, predicted: row.P, dubious: row.D, validated: row.V, discarded: row.X };
    return [h("a", { href: `/projects/${byId("project").dataset.project}/review?sample_id=${row.sample_id}&status=any` }, row.sample), count(sum), count(row.V), percent(sum ? row.V / sum : null), h("div", { class: "meter sample-meter", "aria-hidden": "true" }, meterParts(counts))];
  });
  const heads = ["Sample", "#Objects", "#Validated", "#Share", "State"];
  if (shown) byId("samples").querySelector("tbody").append(...table(heads, rows).querySelectorAll("tbody tr"));
  else show("samples", rows, "No sample yet.", (all) => table(heads, all));
  shown += samples.length;
  byId("samples-count").textContent = plural(total, "sample");
  byId("more-samples").hidden = shown >= total;
}

byId("period").addEventListener("change", () => showPeriod());
byId("more-samples").addEventListener("click", () => alone(byId("more-samples"), showSamples).catch(explain));
for (const part of [showProgress, showPeriod, showAgreement, showSamples]) part().catch(explain);
