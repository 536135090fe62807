/** The devices, the one that needs a person most first; enrol one. */

import { api } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { ago, count, plural, shortId } from "./format.js";
import { LEVEL_WORDS, tone } from "./health.js";
import { explain, notify } from "./shell.js";

const AGAIN_MS = 10_000;
/** @type {any[]} */
let devices = [];
/** @type {Map<string, string>} names of releases */
const names = new Map();

/** @param {any} device @param {number} now */
function row(device, now) {
  const release = device.release ? (names.get(device.release) ?? shortId(device.release)) : "–";
  const number = (/** @type {string} */ name, /** @type {number|null} */ n) => h("td", { class: "number", "data-label": name }, n === null ? "–" : count(n));
  return h("tr", { data: { health: device.level } },
    h("td", { "data-label": "Device" }, h("div", {}, h("a", { href: `/devices/${device.device_id}` }, device.name), h("small", { class: "line" }, device.board || "unknown board"))),
    h("td", { "data-label": "State" }, h("span", { class: "badge" }, LEVEL_WORDS[device.level])),
    h("td", { class: "cell-words", "data-label": "Needs" }, device.needs.length
      ? h("ul", { class: "needs" }, device.needs.map((/** @type {any} */ need) => h("li", { data: { health: tone(need) } }, need.words)))
      : h("span", { class: "muted" }, "nothing")),
    h("td", { "data-label": "Last seen" }, ago(device.last_seen_ms, now)),
    number("On its way", device.lag), number("Waiting there", device.pending), number("Held here", device.held),
    h("td", { "data-label": "Release" }, release));
}

function draw() {
  const words = byId("find").value.trim().toLowerCase();
  const shown = devices.filter((one) => `${one.name} ${one.board} ${LEVEL_WORDS[one.level]} ${one.needs.map((/** @type {any} */ n) => n.words).join(" ")}`.toLowerCase().includes(words));
  const sick = devices.filter((one) => one.level === "trouble" || one.level === "silent").length;
  byId("summary").textContent = devices.length ? `${plural(devices.length, "device")}, ${sick ? `${sick} to look at` : "all well"}` : "No device yet";
  byId("find").hidden = devices.length < 8;
  fill(byId("devices"), devices.length ? table(shown) : empty());
  byId("devices").setAttribute("aria-busy", "false");
}

/** @param {any[]} shown */
function table(shown) {
  const now = Date.now();
  const heads = ["Device", "State", "What needs a person", "Last seen", "On its way", "Waiting there", "Held here", "Release"];
  return h("table", { class: "rows" },
    h("thead", {}, h("tr", {}, heads.map((name, i) => h("th", { scope: "col", class: i > 3 && i < 7 ? "number" : null }, name)))),
    h("tbody", {}, shown.map((one) => row(one, now))));
}

function empty() {
  return h("div", { class: "empty" }, h("h2", {}, "No device yet"),
    h("p", { class: "muted" }, "Make a claim, put it into the device's configuration, and it introduces itself here. A simulated instrument does too."));
}

async function show() {
  const [found, releases] = await Promise.all([api("GET", "/api/devices"), api("GET", "/api/releases")]);
  for (const release of releases) names.set(release.release_id, release.name);
  devices = found;
  draw();
}

async function again() {
  try {
    if (!document.hidden && !document.querySelector("dialog[open]") && !byId("devices").contains(document.activeElement)) await show();
  } catch {
    byId("summary").textContent = "The shore does not answer; trying again.";
  }
  setTimeout(again, AGAIN_MS);
}

async function openClaim() {
  try {
    const projects = await api("GET", "/api/projects");
    const form = byId("claim-form");
    fill(form.elements.project_id, projects.map((/** @type {any} */ p) => h("option", { value: p.project_id }, p.title)));
    form.hidden = false;
    byId("claim-result").hidden = true;
    byId("claim-config").value = "";
    byId("claim-dialog").showModal();
    if (!projects.length) notify("Make a project first: a device belongs to one.", { kind: "bad" });
  } catch (error) {
    explain(error);
  }
}

/** @param {SubmitEvent} event */
async function makeClaim(event) {
  event.preventDefault();
  const form = /** @type {any} */ (event.target);
  const problem = form.querySelector(".form-error");
  problem.hidden = true;
  const { name, project_id, valid_h } = Object.fromEntries(new FormData(form));
  try {
    const { claim } = await api("POST", "/api/claims", { name, project_id: Number(project_id), valid_h: Number(valid_h) });
    byId("claim-config").value = `[device]\nname = ${JSON.stringify(name)}\n\n[shore]\nurl = ${JSON.stringify(location.origin)}\nclaim = ${JSON.stringify(claim)}\n`;
    form.hidden = true;
    byId("claim-result").hidden = false;
    byId("claim-copy").focus();
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
    problem.hidden = false;
  }
}

async function copyClaim() {
  const area = byId("claim-config");
  area.select();
  try {
    await navigator.clipboard.writeText(area.value);
    notify("Copied.");
  } catch {
    notify("Select the text and copy it: this browser does not let a page copy.");
  }
}

byId("find").addEventListener("input", draw);
byId("enrol").addEventListener("click", openClaim);
byId("claim-form").addEventListener("submit", makeClaim);
byId("claim-copy").addEventListener("click", copyClaim);
byId("claim-dialog").addEventListener("close", () => {
  byId("claim-config").value = "";
});
show().catch(explain);
setTimeout(again, AGAIN_MS);
