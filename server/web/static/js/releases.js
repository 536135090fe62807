/** The releases: their figures, training a new one, comparing it with the present, signing, assigning. */

import { api } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { count, figure, plural, shortId, when } from "./format.js";
import { announce, explain } from "./shell.js";

/** The figures that people ask for first, and how they are called. Shares, 0 to 1. */
const FIGURES = /** @type {Record<string, string>} */ ({
  accuracy: "Accuracy",
  balanced_accuracy: "Balanced accuracy",
  macro_f1: "Macro F1",
  calibration_error: "Calibration error",
});
const LOWER_IS_BETTER = new Set(["calibration_error"]);
/** Figures that are not shares. */
const OTHERS = /** @type {Record<string, string>} */ ({ objects: "Judged on objects", taxa: "Judged on taxa", log_loss: "Log loss" });

/** @param {number} share */
const points = (share) => `${(share * 100).toFixed(1)} %`;

/** @param {any} figures @returns {Array<[string, number]>} */
function shares(figures) {
  return Object.keys(FIGURES).filter((key) => typeof figures?.[key] === "number").map((key) => [key, figures[key]]);
}

/** @param {any} release */
function card(release) {
  const { figures = {} } = release;
  return h("article", { class: "card", "aria-label": release.name },
    h("div", { class: "card-head" },
      h("div", {}, h("h2", {}, release.name),
        h("p", { class: "muted" }, `${when(release.created_ms)} · `, h("span", { class: "mono", title: release.release_id }, shortId(release.release_id)),
          release.parent ? ` · from ${names.get(release.parent) ?? shortId(release.parent)}` : " · the first")),
      h("span", { class: "badge", data: { health: release.signed ? "well" : "late" } }, release.signed ? "signed" : "not signed")),
    h("dl", { class: "facts" },
      shares(figures).map(([key, value]) => h("div", {}, h("dt", {}, FIGURES[key]), h("dd", {}, points(value)))),
      Object.keys(OTHERS).filter((key) => typeof figures[key] === "number").map((key) => h("div", {}, h("dt", {}, OTHERS[key]), h("dd", {}, figure(figures[key]))))),
    h("details", {}, h("summary", {}, plural(release.classes.length, "class", "classes")), h("p", { class: "muted" }, [...release.classes].sort().join(", "))),
    h("div", { class: "card-foot" },
      !release.signed && h("button", { type: "button", class: "primary", onclick: () => sign(release) }, "Sign"),
      h("button", { type: "button", disabled: !release.signed, title: release.signed ? null : "Only a signed release can be assigned", onclick: () => openAssign(release) }, "Assign to devices")));
}

/** @param {any} answer */
function comparison(answer) {
  const { candidate, current, n_train, n_test, split, left_out, forgotten } = answer.evaluation;
  const better = candidate.macro_f1 >= current.macro_f1;
  const ignored = Object.values(left_out ?? {}).reduce((sum, n) => sum + Number(n), 0);
  return h("section", { class: "card", "aria-label": "The new release" },
    h("h2", {}, better ? `${answer.name} is at least as good as what it came from` : `${answer.name} is not better than what it came from`),
    h("p", { class: "muted" }, `Learned from ${plural(n_train, "validated object")}, judged on ${plural(n_test, "other")} (held out by ${split}), in ${figure(answer.seconds)} s. The upper bar is the new one, the lower the present one.`),
    h("div", { class: "compare" }, shares(candidate).map(([key, value]) => compareRow(FIGURES[key], value, current[key], LOWER_IS_BETTER.has(key)))),
    forgotten?.length > 0 && h("p", { class: "notch", data: { health: "late" } }, `It does not know any more: ${forgotten.join(", ")}.`),
    ignored > 0 && h("p", { class: "muted" }, `Left out for having too few examples: ${Object.entries(left_out).map(([name, n]) => `${name} (${n})`).join(", ")}.`),
    byTaxon(candidate.by_taxon ?? [], current.by_taxon ?? []));
}

/**
 * Recall of each taxon, new and present, with how many objects it was judged on.
 * @param {any[]} candidate
 * @param {any[]} current
 */
function byTaxon(candidate, current) {
  const was = new Map(current.map((row) => [row.taxon, row]));
  const rows = candidate.filter((row) => row.support > 0).sort((a, b) => b.support - a.support);
  if (!rows.length) return null;
  return h("details", {}, h("summary", {}, "F1 of each taxon"), h("div", { class: "compare" },
    rows.map((row) => compareRow(`${row.taxon} (${count(row.support)})`, row.f1, was.get(row.taxon)?.f1 ?? 0, false))));
}

/**
 * @param {string} name
 * @param {number} now
 * @param {number|undefined} was
 * @param {boolean} lowerIsBetter
 */
function compareRow(name, now, was, lowerIsBetter) {
  const bar = (/** @type {number} */ value, /** @type {string} */ kind) =>
    h("div", { class: `compare-bar ${kind}`, vars: { "--share": `${Math.max(0, Math.min(100, value * 100))}%` } });
  const change = was === undefined ? null : (now - was) * 100;
  const good = change !== null && (lowerIsBetter ? change <= 0 : change >= 0);
  return h("div", { class: "compare-row" }, h("span", {}, name),
    h("div", { class: "compare-bars", "aria-hidden": "true" }, bar(now, "is"), change !== null && bar(was ?? 0, "was")),
    h("span", { class: "compare-number" }, `${points(now)} `, change !== null && h("span", { class: Math.abs(change) < 0.05 ? "same" : good ? "gain" : "loss" }, `${change >= 0 ? "+" : "−"}${Math.abs(change).toFixed(1)}`)));
}

/** @param {SubmitEvent} event */
async function train(event) {
  event.preventDefault();
  const form = /** @type {any} */ (event.target);
  const button = form.querySelector("button");
  button.disabled = true;
  button.textContent = "Learning…";
  fill(byId("outcome"), h("p", { class: "muted" }, "Learning from what people validated. This takes seconds."));
  try {
    const answer = await api("POST", `/api/projects/${form.elements.project_id.value}/train`, {});
    fill(byId("outcome"), comparison(answer));
    await show();
  } catch (error) {
    fill(byId("outcome"));
    explain(error);
  } finally {
    button.disabled = false;
    button.textContent = "Train now";
  }
}

/** @param {any} release */
async function sign(release) {
  try {
    await api("POST", `/api/releases/${release.release_id}/sign`);
    announce(`${release.name} signed`);
    await show();
  } catch (error) {
    explain(error);
  }
}

/** @type {any} */
let assigning = null;

/** @param {any} release */
async function openAssign(release) {
  try {
    assigning = release;
    const devices = (await api("GET", "/api/devices")).filter((/** @type {any} */ one) => one.status !== "revoked");
    byId("assign-what").textContent = `${release.name} goes to the devices below. Each tests it before it uses it, and falls back by itself.`;
    fill(byId("assign-devices"), h("legend", {}, "Devices"),
      devices.map((/** @type {any} */ one) => h("label", {}, h("input", { type: "checkbox", name: "device", value: one.device_id, checked: one.project_id === release.project_id }), one.name)),
      !devices.length && h("p", { class: "muted" }, "No device is enrolled yet."));
    byId("assign-form").querySelector("button").disabled = !devices.length;
    byId("assign-form").querySelector(".form-error").hidden = true;
    byId("assign-dialog").showModal();
  } catch (error) {
    explain(error);
  }
}

/** @param {SubmitEvent} event */
async function assign(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  const problem = /** @type {HTMLElement} */ (form.querySelector(".form-error"));
  const chosen = new FormData(form).getAll("device");
  problem.hidden = chosen.length > 0;
  problem.textContent = "Choose at least one device.";
  if (!chosen.length) return;
  try {
    const done = await api("POST", `/api/releases/${assigning.release_id}/assign`, { device_ids: chosen });
    byId("assign-dialog").close();
    announce(`Assigned to ${plural(done.length, "device")}`);
    fill(byId("outcome"), h("p", { class: "notch", data: { health: "well" } }, `${assigning.name} is assigned to ${plural(done.length, "device")}. Follow it on the `, h("a", { href: "/devices" }, "devices page"), "."));
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
    problem.hidden = false;
  }
}

/** @type {Map<string, string>} names of releases */
const names = new Map();

async function show() {
  const [releases, projects] = await Promise.all([api("GET", "/api/releases"), api("GET", "/api/projects")]);
  for (const release of releases) names.set(release.release_id, release.name);
  const newest = [...releases].sort((a, b) => b.created_ms - a.created_ms);
  fill(byId("releases"), newest.length ? newest.map(card) : h("p", { class: "muted" }, "No release yet."));
  byId("releases").setAttribute("aria-busy", "false");
  const select = byId("train-project");
  const chosen = select.value;
  fill(select, projects.map((/** @type {any} */ p) => h("option", { value: p.project_id }, p.title)));
  if (chosen) select.value = chosen;
  byId("train").querySelector("button").disabled = !projects.length;
}

byId("train").addEventListener("submit", train);
byId("assign-form").addEventListener("submit", assign);
show().catch(explain);
