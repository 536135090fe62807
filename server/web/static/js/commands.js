/** Orders for a device: those that were given with what became of them, and a form for another. */

import { api } from "./api.js";
import { h } from "./dom.js";
import { ago } from "./format.js";
import { announce } from "./shell.js";

const STATE_WORDS = /** @type {Record<string, string>} */ ({ queued: "waits for the device", sent: "sent", done: "done", failed: "failed" });
const STATE_TONE = /** @type {Record<string, string>} */ ({ queued: "silent", sent: "late", done: "well", failed: "trouble" });

/** @typedef {{path: string, manages: boolean, releases: any[], again: () => Promise<void>}} Around */

/** @param {string} label @param {any} field */
const labelled = (label, field) => h("label", {}, label, field);

/**
 * What can be ordered: the fields that it needs, and the argument that they make.
 * @type {Record<string, {title: string, fields: (device: any, around: Around) => any[], argument: (form: FormData, device: any) => any}>}
 */
const ORDERS = {
  priorities: {
    title: "Send a kind sooner or later",
    fields: () => [labelled("What", h("select", { name: "kind" }, ["object", "vignette", "summary", "frame"].map((kind) => h("option", { value: kind }, kind)))),
      labelled("Priority, 1 first to 5 last", h("input", { type: "number", name: "priority", min: 1, max: 5, value: 2, required: true }))],
    argument: (form) => ({ [String(form.get("kind"))]: Number(form.get("priority")) }),
  },
  policy: {
    title: "Satellite: what and how much",
    fields: () => [labelled("Setting", h("select", { name: "setting" },
      h("option", { value: "satellite.priority_max" }, "highest priority that goes by satellite"),
      h("option", { value: "satellite.credits_day" }, "credits a day"), h("option", { value: "satellite.every_h" }, "hours between calls"))),
      labelled("Value", h("input", { type: "number", name: "value", min: 0, step: "any", required: true }))],
    argument: (form) => ({ [String(form.get("setting"))]: Number(form.get("value")) }),
  },
  thresholds: {
    title: "Below which score an object is unknown",
    fields: () => [labelled("Score in percent", h("input", { type: "number", name: "unknown", min: 0, max: 100, value: 50, required: true }))],
    argument: (form, device) => ({ release: String(device.release ?? "").slice(0, 8), unknown: Number(form.get("unknown")) / 100 }),
  },
  vignettes: {
    title: "Send the images of objects first",
    fields: () => [labelled("Numbers of the objects (objid)", h("input", { name: "objids", required: true, pattern: "[0-9 ,]+", placeholder: "120, 133" }))],
    argument: (form) => ({ objids: String(form.get("objids")).split(/[ ,]+/).filter(Boolean).map(Number) }),
  },
  assign: {
    title: "Use a release that is on board",
    fields: (_device, around) => [labelled("Release", h("select", { name: "release", required: true }, around.releases.filter((one) => one.signed)
      .map((one) => h("option", { value: one.release_id }, one.name))))],
    argument: (form) => ({ release: String(form.get("release")) }),
  },
  wipe: {
    title: "Destroy its keys",
    fields: (device) => [h("p", { class: "form-error" }, "The device destroys its keys and sends no more, ever. What it still holds is lost to you."),
      labelled(`Type ${device.name} to confirm`, h("input", { name: "confirm", required: true, autocomplete: "off", spellcheck: "false" }))],
    argument: () => null,
  },
};

/** @param {any} device @param {any[]} orders @param {Around} around */
export function commands(device, orders, around) {
  return h("section", { class: "card", "aria-label": "Orders" }, h("h2", {}, "Orders"),
    orders.length > 0 && h("table", { class: "rows" },
      h("thead", {}, h("tr", {}, ["No.", "Order", "State", "Given"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, orders.map((one) => h("tr", {},
        h("td", { "data-label": "No." }, one.number),
        h("td", { class: "cell-words", "data-label": "Order" }, h("div", {}, ORDERS[one.name]?.title ?? one.name, h("small", { class: "line mono" }, one.argument === null ? "" : JSON.stringify(one.argument)))),
        h("td", { "data-label": "State" }, h("div", {}, h("span", { class: "badge", data: { health: STATE_TONE[one.state] } }, STATE_WORDS[one.state] ?? one.state), one.text && h("small", { class: "line" }, one.text))),
        h("td", { "data-label": "Given" }, `${ago(one.created_ms, Date.now())} by ${one.user}`))))),
    around.manages && device.status !== "revoked" && form(device, around));
}

/** @param {any} device @param {Around} around */
function form(device, around) {
  const problem = h("p", { class: "form-error", role: "alert", hidden: true });
  const choice = h("select", { name: "order" }, Object.entries(ORDERS).map(([name, order]) => h("option", { value: name }, order.title)));
  const fields = h("div", { class: "stack" });
  const choose = () => fields.replaceChildren(...ORDERS[choice.value].fields(device, around));
  choice.addEventListener("change", choose);
  choose();
  return h("details", {}, h("summary", {}, "Give an order"),
    h("form", { class: "stack", onsubmit: async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      problem.hidden = true;
      try {
        const data = new FormData(/** @type {HTMLFormElement} */ (event.target));
        if (choice.value === "wipe" && data.get("confirm") !== device.name) throw new Error(`Type ${device.name} to confirm.`);
        await api("POST", `${around.path}/commands`, { name: choice.value, argument: ORDERS[choice.value].argument(data, device) });
        announce("The order waits for the device");
        await around.again();
      } catch (error) {
        problem.textContent = error instanceof Error ? error.message : String(error);
        problem.hidden = false;
      }
    } }, labelled("Order", choice), fields, problem, h("div", { class: "card-foot" }, h("button", { type: "submit", class: "primary" }, "Give the order"))));
}
