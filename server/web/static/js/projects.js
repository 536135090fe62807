/** The first page: what is waiting in each project, and whether the devices are well. */

import { api } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { ago, count, percent, plural, STATUS } from "./format.js";
import { LEVEL_WORDS } from "./health.js";
import { explain } from "./shell.js";
import { meterParts } from "./taxa-list.js";

/** Smaller vignettes show too little to know a project by. */
const SHOWN_PX = 60;

/** @param {any} project */
function statusCounts(project) {
  const sums = /** @type {Record<string, number>} */ ({ total: project.total });
  for (const { key } of Object.values(STATUS)) sums[key] = project[key];
  return sums;
}

/** @param {any} project */
function card(project) {
  const counts = statusCounts(project);
  const address = `/projects/${project.project_id}/review`;
  const share = counts.total ? counts.validated / counts.total : 0;
  const strip = h("div", { class: "strip", "aria-hidden": "true" });
  if (counts.total) void peek(project.project_id, strip);
  return h(
    "article",
    { class: "card" },
    h("div", { class: "card-head" }, h("h2", {}, h("a", { class: "card-title", href: address }, project.title)),
      h("span", { class: "muted" }, `${percent(share)} validated`)),
    counts.total
      ? [strip, h("p", {}, h("span", { class: "big" }, count(counts.predicted)), h("span", { class: "muted" }, "  waiting for a person")),
        h("div", { class: "meter", role: "img", "aria-label": `${percent(share)} validated` }, meterParts(counts)), tally(counts)]
      : h("p", { class: "muted grows" }, awaiting(project.devices)),
    h("div", { class: "card-foot" },
      counts.total
        ? h("a", { class: counts.predicted ? "button primary" : "button", href: address }, counts.predicted ? "Sort" : "Look")
        : h("a", { class: "button", href: "/devices" }, project.devices.length ? "See the devices" : "Enrol a device"),
      project.right === "manage" && !counts.total && h("a", { class: "button", href: `/projects/${project.project_id}/import` }, "Import"),
      h("a", { class: "card-link", href: `/projects/${project.project_id}/statistics` }, "Statistics"),
      h("a", { class: "card-link", href: `/projects/${project.project_id}/settings` }, "Settings")),
  );
}

/** @param {Array<{name: string}>} devices */
function awaiting(devices) {
  if (!devices.length) return "No object has arrived yet. Enrol a device and its objects surface here.";
  return `No object has arrived yet. ${devices.map((one) => one.name).join(", ")} will bring the first.`;
}

/**
 * A few of its objects, to know the project by sight.
 * @param {number} projectId
 * @param {HTMLElement} strip
 */
async function peek(projectId, strip) {
  try {
    const { objects } = await api("GET", `/api/projects/${projectId}/objects`, { sort: "random", limit: 60 });
    const shown = objects.filter((/** @type {any} */ one) => one.image && one.status !== "X" && Math.min(one.width, one.height) >= SHOWN_PX).slice(0, 8);
    fill(strip, shown.map((/** @type {any} */ one) => h("img", { src: one.image, alt: "", loading: "lazy", data: { field: one.optical_field } })));
  } catch {
    strip.remove();
  }
}

/** @param {Record<string, number>} counts */
function tally(counts) {
  const shown = Object.entries(STATUS).filter(([, { key }]) => counts[key] > 0);
  if (!shown.length) return null;
  return h("ul", { class: "tally" },
    shown.map(([status, { word, key }]) => h("li", { data: { status } }, h("span", { class: "dot" }), h("b", {}, count(counts[key])), word.toLowerCase())));
}

/** @param {any} device */
function chip(device) {
  return h("a", { class: "device-chip", href: `/devices/${device.device_id}`, data: { health: device.level } },
    h("span", { class: "dot" }), device.name,
    h("small", {}, `${LEVEL_WORDS[device.level]} · ${ago(device.last_seen_ms, Date.now())}`));
}

async function show() {
  const [projects, devices] = await Promise.all([api("GET", "/api/projects"), api("GET", "/api/devices")]);
  const waiting = projects.reduce((/** @type {number} */ sum, /** @type {any} */ p) => sum + statusCounts(p).predicted, 0);
  byId("waiting").textContent = waiting ? `${plural(waiting, "object")} waiting for a person` : "Nothing is waiting";
  fill(byId("projects"), projects.length ? projects.map(card) : h("p", { class: "muted" }, "No project yet. Make the first one above."));
  byId("projects").setAttribute("aria-busy", "false");
  fill(byId("devices"), devices.length ? devices.map(chip) : h("p", { class: "muted" }, "No device yet. ", h("a", { href: "/devices" }, "Enrol the first one"), "."));
}

/** @type {HTMLFormElement} */ (byId("new-project")).addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  try {
    await api("POST", "/api/projects", { title: new FormData(form).get("title") });
    form.reset();
    await show();
  } catch (error) {
    explain(error);
  }
});

show().catch(explain);
