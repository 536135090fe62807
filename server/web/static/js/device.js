/** One device: what it needs, what it has sent and still holds, its health over time, orders for it. */

import { api, ApiError } from "./api.js";
import { commands } from "./commands.js";
import { byId, fill, h } from "./dom.js";
import { ago, count, figure, plural, shortId, when } from "./format.js";
import { LEVEL_WORDS, tone } from "./health.js";
import { plot } from "./plot.js";
import { announce, explain } from "./shell.js";
import { summaries } from "./summaries.js";

const root = byId("device");
const id = root.dataset.device;
const path = `/api/devices/${encodeURIComponent(id)}`;
const manages = ["manager", "administrator"].includes(document.body.dataset.role ?? "");
const AGAIN_MS = 20_000;
const PLOTS = [
  ["pending", "Waiting there", "records"], ["energy_j_per_frame", "A frame costs", "J"],
  ["ms_per_frame", "A frame takes", "ms"], ["disk_free_mb", "Disk free", "MB"],
];
const STEP_WORDS = /** @type {Record<string, string>} */ ({
  assigned: "assigned", fetching: "being fetched", verified: "verified", trial: "on trial",
  committed: "in use", rolled_back: "rolled back", refused: "refused",
});

/** @param {string} name @param {any} value @param {string} [unit] */
const fact = (name, value, unit = "") => h("div", {}, h("dt", {}, name), h("dd", {}, value, unit && h("small", {}, ` ${unit}`)));

/** @param {string} title @param {...any} inside */
const section = (title, ...inside) => h("section", { class: "card", "aria-label": title }, h("h2", {}, title), ...inside);

/** @param {any} device */
function needs(device) {
  if (!device.needs.length) return h("p", { class: "notch", data: { health: "well" } }, "It needs nobody.");
  const link = (/** @type {any} */ need) => need.kind === "quarantine" && manages ? h("a", { href: `/quarantine?device=${id}` }, need.words) : need.words;
  return h("ul", { class: "needs" }, device.needs.map((/** @type {any} */ need) => h("li", { data: { health: tone(need) } }, h("span", {}, link(need)))));
}

/** @param {any} device */
function clock(device) {
  const words = { true: "trusted", false: "not trusted: dates are filled in later", null: "not heard of yet" };
  return words[/** @type {"true"|"false"|"null"} */ (String(device.clock_trusted))];
}

/** @param {any} device @param {Map<string, string>} names */
function runs(device, names) {
  const said = device.health ?? {};
  const links = Object.entries(device.links).filter(([, at]) => at !== null);
  return section("What it runs", h("dl", { class: "facts" },
    fact("Board", device.board || "–"), fact("Software", device.software || "–"),
    fact("Release", device.release ? (names.get(device.release) ?? shortId(device.release)) : "–"),
    fact("Clock", clock(device)), fact("Enrolled", when(device.enrolled_ms)),
    device.undated.filled > 0 && fact("Dated later", count(device.undated.filled), "objects"),
    device.undated.unknown > 0 && fact("Without a date", count(device.undated.unknown), "objects"),
    Object.entries(said.slots ?? {}).map(([slot, release]) => fact(`Slot ${slot}`, shortId(String(release)))),
    links.map(([link, at]) => fact(`Heard by ${link}`, ago(/** @type {number} */ (at), Date.now()))),
    said.temperature_c !== null && said.temperature_c !== undefined && fact("Temperature", figure(said.temperature_c), "°C"),
    fact("Frames", count(said.frames ?? 0)), fact("Bad frames", count(said.bad_frames ?? 0))));
}

/** What has arrived and what has not. @param {any} device */
function lag(device) {
  const now = Date.now();
  const newest = device.newest;
  const life = device.epochs.find((/** @type {any} */ one) => one.epoch === device.epoch);
  const missing = life?.missing ?? [];
  return section("What has arrived",
    h("dl", { class: "facts" },
      fact("Held on shore", count(device.held), "records"), fact("Known, not here yet", count(device.lag), "records"),
      fact("Waiting on the device", device.pending === null ? "–" : count(device.pending), "records"),
      fact("Set aside there", count(device.dead ?? 0), "records"), fact("Given up", count(device.gaps), "records"),
      fact("In the quarantine", count(device.quarantine)),
      life?.behind_since_ms && fact("Behind since", ago(life.behind_since_ms, now)),
      newest && fact("Newest object", newest.utc_ms === null ? `arrived ${ago(newest.received_ms, now)}` : `seen ${ago(newest.utc_ms, now)}`)),
    missing.length > 0 && h("p", {}, "Missing: ", missing.map((/** @type {[number, number]} */ [a, b]) => (a === b ? `${a}` : `${a}–${b}`)).join(", "), missing.length >= 20 ? " and more" : ""),
    device.epochs.length > 1 && h("p", { class: "muted" }, `Its outbox was made anew ${plural(device.epochs.length - 1, "time")}.`));
}

/** @param {any} device */
function gaps(device) {
  if (!device.gap_days.length) return null;
  return section("What it gave up", h("table", { class: "rows" },
    h("thead", {}, h("tr", {}, ["Told on", "What", "Why", "Records"].map((name, i) => h("th", { scope: "col", class: i === 3 ? "number" : null }, name)))),
    h("tbody", {}, device.gap_days.map((/** @type {any} */ row) => h("tr", {}, h("td", { "data-label": "Told on" }, when(row.day_ms).slice(0, 10)),
      h("td", { "data-label": "What" }, row.kind), h("td", { class: "cell-words", "data-label": "Why" }, row.reason), h("td", { class: "number", "data-label": "Records" }, count(row.n)))))));
}

/** @param {any[]} rows */
function health(rows) {
  const drawn = PLOTS.map(([key, name, unit]) => plot(name, unit, rows.map((row) => [row.at_ms, row[key]]))).filter(Boolean);
  return section("Its health, the last 14 days", drawn.length ? h("div", { class: "plots" }, drawn) : h("p", { class: "muted" }, "No health record came yet."));
}

/** @param {any} device @param {Map<string, string>} names */
function releases(device, names) {
  const wanted = device.deployment;
  if (!wanted && !device.steps.length) return null;
  return section("Releases",
    wanted && h("p", { class: "notch", data: { health: ["refused", "rolled_back"].includes(wanted.state) ? "trouble" : wanted.state === "committed" ? "well" : "late" } },
      `${wanted.release_name} is ${STEP_WORDS[wanted.state] ?? wanted.state}`, wanted.reason ? `: ${wanted.reason}` : "."),
    h("ol", { class: "told" }, device.steps.slice(0, 12).map((/** @type {any} */ step) => h("li", {},
      h("div", {}, `${names.get(step.release) ?? shortId(step.release)}: ${STEP_WORDS[step.state] ?? step.state}${step.reason ? `, ${step.reason}` : ""}`),
      h("small", { class: "muted" }, when(step.received_ms))))));
}

async function show() {
  const [device, rows, known, orders, dives] = await Promise.all([
    api("GET", path), api("GET", `${path}/health`, { days: 14 }), api("GET", "/api/releases"),
    api("GET", `${path}/commands`), api("GET", `${path}/summaries`, { limit: 10 })]);
  const names = new Map(known.map((/** @type {any} */ one) => [one.release_id, one.name]));
  document.title = `${device.name} · Seadrift`;
  fill(root,
    h("div", { class: "page-head" },
      h("div", {}, h("a", { class: "muted", href: "/devices" }, "All devices"), h("h1", {}, device.name),
        h("p", { class: "muted" }, `${device.device_id} · project ${device.project ?? "–"} · last seen ${ago(device.last_seen_ms, Date.now())}`)),
      h("div", { class: "card-foot" }, h("span", { class: "badge", data: { health: device.level } }, LEVEL_WORDS[device.level]),
        manages && device.status !== "revoked" && h("button", { type: "button", class: "danger", onclick: () => openRevoke(device) }, "Revoke"))),
    section("What it needs", needs(device)),
    h("div", { class: "halves" }, lag(device), runs(device, names)),
    health(rows),
    commands(device, orders, { path, manages, releases: known, again: show }),
    summaries(dives),
    gaps(device), releases(device, names));
  root.setAttribute("aria-busy", "false");
}

/** @param {any} device */
function openRevoke(device) {
  const dialog = byId("revoke-dialog");
  const form = byId("revoke-form");
  form.reset();
  form.onsubmit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (form.elements.name.value.trim() !== device.name) {
      form.elements.name.setCustomValidity(`Type ${device.name}`);
      form.reportValidity();
      return;
    }
    dialog.close();
    try {
      await api("POST", `${path}/revoke`);
      announce(`${device.name} revoked`);
      await show();
    } catch (error) {
      explain(error);
    }
  };
  form.elements.name.oninput = () => form.elements.name.setCustomValidity("");
  dialog.showModal();
}

/** @param {unknown} error */
function missing(error) {
  if (!(error instanceof ApiError) || error.status !== 404) return explain(error);
  fill(root, h("div", { class: "empty" }, h("h1", {}, "There is no such device"), h("a", { class: "button", href: "/devices" }, "To the devices")));
  root.setAttribute("aria-busy", "false");
}

async function again() {
  const busy = document.hidden || document.querySelector("dialog[open]") || root.contains(document.activeElement);
  if (!busy) await show().catch(() => {});
  setTimeout(again, AGAIN_MS);
}

show().catch(missing);
setTimeout(again, AGAIN_MS);
