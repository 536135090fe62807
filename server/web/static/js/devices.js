/** The devices: how each is, what it still holds, which release it runs; enrol one, revoke one. */

import { api } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { ago, count, figure, plural, shortId } from "./format.js";
import { gapCount, health, HEALTH_WORDS } from "./health.js";
import { announce, explain, notify } from "./shell.js";

const AGAIN_MS = 10_000;
/** What a device says about itself, in the words and units of people. */
const HEALTH_FACTS = [
  ["frames", "Frames", ""],
  ["objects", "Objects", ""],
  ["bad_frames", "Bad frames", ""],
  ["dead", "Set aside", "records"],
  ["ms_per_frame", "A frame takes", "ms"],
  ["energy_j_per_frame", "A frame costs", "J"],
  ["disk_free_mb", "Disk free", "MB"],
  ["temperature_c", "Temperature", "°C"],
];

/**
 * @param {string} name
 * @param {any} value
 * @param {{unit?: string, alert?: boolean, title?: string}} [options]
 */
function fact(name, value, { unit = "", alert = false, title } = {}) {
  return h("div", { data: { alert }, title }, h("dt", {}, name), h("dd", {}, value, unit && h("small", {}, ` ${unit}`)));
}

/** @param {any} device */
function card(device) {
  const now = Date.now();
  const state = health(device, now);
  const self = device.health ?? {};
  return h(
    "article",
    { class: "card", data: { health: state }, "aria-label": device.name },
    h("div", { class: "card-head" },
      h("div", {}, h("h2", {}, device.name), h("p", { class: "muted" }, `${device.board ?? "unknown board"} · last seen ${ago(device.last_seen_ms, now)}`)),
      h("span", { class: "badge" }, HEALTH_WORDS[state])),
    h("dl", { class: "facts" },
      fact("Held on shore", count(device.held ?? 0), { unit: "records" }),
      fact("Known, not here yet", count(device.lag ?? 0), { unit: "records", alert: (device.lag ?? 0) > 0, title: "Records that the device has and the shore does not hold" }),
      fact("Waiting on the device", count(device.pending ?? 0), { unit: "records" }),
      fact("Gaps", count(gapCount(device)), { unit: "records", alert: gapCount(device) > 0, title: "What the device had to give up, counted" }),
      fact("Release", releaseName(device)),
      HEALTH_FACTS.filter(([key]) => typeof self[key] === "number").map(([key, name, unit]) => fact(name, figure(self[key]), { unit }))),
    deployment(device.deployment),
    device.status !== "revoked" &&
      h("div", { class: "card-foot" }, h("button", { type: "button", class: "danger", onclick: () => revoke(device) }, "Revoke")),
  );
}

/** @param {any} device */
function releaseName(device) {
  const id = device.release;
  return id ? (names.get(id) ?? shortId(id)) : "–";
}

/** @param {any} step */
function deployment(step) {
  if (!step?.state) return null;
  const bad = step.state === "refused" || step.state === "rolled_back";
  const words = /** @type {Record<string, string>} */ ({
    assigned: "is assigned", fetching: "is being fetched", verified: "is verified", trial: "is on trial",
    committed: "is in use", rolled_back: "was rolled back", refused: "was refused",
  });
  const name = names.get(step.release) ?? shortId(step.release);
  return h("p", { class: "notch", data: { health: bad ? "trouble" : step.state === "committed" ? "well" : "late" } },
    `Release ${name} ${words[step.state] ?? step.state}`, step.reason ? `: ${step.reason}` : ".");
}

/** @param {any} device */
async function revoke(device) {
  if (!confirm(`Revoke ${device.name}? Its key is refused from now on; what it sent stays.`)) return;
  try {
    await api("POST", `/api/devices/${encodeURIComponent(device.device_id)}/revoke`);
    announce(`${device.name} revoked`);
    await show();
  } catch (error) {
    explain(error);
  }
}

/** @type {Map<string, string>} names of releases */
const names = new Map();

async function show() {
  const [devices, releases] = await Promise.all([api("GET", "/api/devices"), api("GET", "/api/releases")]);
  for (const release of releases) names.set(release.release_id, release.name);
  const now = Date.now();
  const sick = devices.filter((/** @type {any} */ one) => !["well", "revoked"].includes(health(one, now))).length;
  byId("summary").textContent = devices.length ? `${plural(devices.length, "device")}, ${sick ? `${sick} to look at` : "all well"}` : "No device yet";
  fill(byId("devices"), devices.length ? devices.map(card) : empty());
  byId("devices").setAttribute("aria-busy", "false");
}

function empty() {
  return h("div", { class: "empty" }, h("h2", {}, "No device yet"),
    h("p", { class: "muted" }, "Make a claim, put it into the device's configuration, and it introduces itself here. A simulated instrument does too."));
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

byId("enrol").addEventListener("click", openClaim);
byId("claim-form").addEventListener("submit", makeClaim);
byId("claim-copy").addEventListener("click", copyClaim);
byId("claim-dialog").addEventListener("close", () => {
  byId("claim-config").value = "";
});
show().catch(explain);
setTimeout(again, AGAIN_MS);
