/** The releases: their figures, training a new one, comparing it with the present, signing, assigning. */

import { api } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { count, figure, plural, shortId, when } from "./format.js";
import { announce, explain } from "./shell.js";

/** The figures that people ask for first, and how they are called. Shares, 0 to 1. */
const FIGURES = /** @type {Record<string, string>} */ ({
  accuracy: "Accuracy",
  macro_f1: "Macro F1",
  balanced_accuracy: "Balanced accuracy",
  macro_precision: "Macro precision",
  macro_recall: "Macro recall",
  ece: "Calibration error",
});

/** @param {number} share */
const points = (share) => `${(share * 100).toFixed(1)} %`;

/** @param {any} figures @returns {Array<[string, number]>} */
function shares(figures) {
  return Object.keys(FIGURES).filter((key) => typeof figures?.[key] === "number").map((key) => [key, figures[key]]);
}

/** @param {any} release */
function card(release) {
  const others = Object.entries(release.figures ?? {}).filter(([key, value]) => !(key in FIGURES) && typeof value === "number");
  return h("article", { class: "card", "aria-label": release.name },
    h("div", { class: "card-head" },
      h("div", {}, h("h2", {}, release.name),
        h("p", { class: "muted" }, `${when(release.created_ms)} · `, h("span", { class: "mono", title: release.release_id }, shortId(release.release_id)))),
      h("span", { class: "badge", data: { health: release.signed ? "well" : "late" } }, release.signed ? "signed" : "not signed")),
    h("dl", { class: "facts" },
      [["Classes", count(classCount(release.classes))], ["Parent", release.parent ? shortId(release.parent) : "none"]].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
      shares(release.figures).map(([key, value]) => h("div", {}, h("dt", {}, FIGURES[key]), h("dd", {}, points(value)))),
      others.slice(0, 6).map(([key, value]) => h("div", {}, h("dt", {}, key.replaceAll("_", " ")), h("dd", {}, figure(/** @type {number} */ (value)))))),
    h("div", { class: "card-foot" },
      !release.signed && h("button", { type: "button", class: "primary", onclick: () => sign(release) }, "Sign"),
      h("button", { type: "button", disabled: !release.signed, title: release.signed ? null : "Only a signed release can be assigned", onclick: () => openAssign(release) }, "Assign to devices")));
}

/** @param {any} classes */
const classCount = (classes) => (Array.isArray(classes) ? classes.length : (classes ?? 0));

/** @param {any} answer */
function comparison(answer) {
  const { candidate = {}, current = {}, n_train, n_test } = answer.evaluation ?? {};
  const keys = shares(candidate).map(([key]) => key);
  const better = (candidate.macro_f1 ?? candidate.accuracy ?? 0) >= (current.macro_f1 ?? current.accuracy ?? 0);
  return h("section", { class: "card" },
    h("h2", {}, better ? "The new release is at least as good" : "The new release is not better"),
    h("p", { class: "muted" }, `Learned from ${plural(n_train ?? 0, "validated object")}, judged on ${plural(n_test ?? 0, "other one")}, in ${figure(answer.seconds)} s. Above the new one, below the present one.`),
    h("div", { class: "compare" }, keys.map((key) => compareRow(key, candidate[key], current[key]))));
}

/**
 * @param {string} key
 * @param {number} now
 * @param {number|undefined} was
 */
function compareRow(key, now, was) {
  const bar = (/** @type {number} */ value, /** @type {string} */ kind) =>
    h("div", { class: `compare-bar ${kind}`, vars: { "--share": `${Math.max(0, Math.min(100, value * 100))}%` } });
  const change = was === undefined || was === null ? null : (now - was) * 100;
  const good = change !== null && (key === "ece" ? change <= 0 : change >= 0);
  return h("div", { class: "compare-row" }, h("span", {}, FIGURES[key]),
    h("div", { class: "compare-bars", "aria-hidden": "true" }, bar(now, "is"), change !== null && bar(was ?? 0, "was")),
    h("span", { class: "compare-number" }, `${points(now)} `, change !== null && h("span", { class: good ? "gain" : "loss" }, `${change >= 0 ? "+" : "−"}${Math.abs(change).toFixed(1)}`)));
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
      devices.map((/** @type {any} */ one) => h("label", {}, h("input", { type: "checkbox", name: "device", value: one.device_id, checked: true }), one.name)),
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

async function show() {
  const [releases, projects] = await Promise.all([api("GET", "/api/releases"), api("GET", "/api/projects")]);
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
