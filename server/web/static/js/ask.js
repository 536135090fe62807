/** Asking a device for an image that has not come, and what to say of an object that came in brief. */

import { api } from "./api.js";
import { h } from "./dom.js";
import { announce, explain } from "./shell.js";

/** @typedef {import("./types.js").SeaObject} SeaObject */

/**
 * Marks of an object, each a short word and what it means. Pure.
 * @param {SeaObject} object
 * @returns {Array<[string, string]>}
 */
export function marks(object) {
  /** @type {Array<[string, string]>} */
  const found = [];
  if (object.precision === "brief") found.push(["short values", "The exact values come with the vignette; until then they are off by up to 0.2 %"]);
  if (object.utc_source === "filled") found.push(["dated later", "The device's clock was not trusted; the date was filled in from a later clock record"]);
  if (object.utc_source === "unknown") found.push(["no date yet", "The device's clock was not trusted, and no clock record came since"]);
  return found;
}

/** @param {SeaObject} object */
export const markBadges = (object) => marks(object).map(([word, means]) => h("span", { class: "mark-badge", title: means }, word));

/**
 * A button that asks for the vignette of an object without one; null for who may not.
 * @param {SeaObject} object
 */
export function askButton(object) {
  if (object.image || !["manager", "administrator"].includes(document.body.dataset.role ?? "")) return null;
  const button = h("button", { type: "button", onclick: async () => {
    button.disabled = true;
    try {
      await api("POST", `/api/devices/${encodeURIComponent(object.device_id)}/commands`, { name: "vignettes", argument: { objids: [object.objid] } });
      button.textContent = "Asked; it comes when the link is up";
      announce("Asked for the vignette");
    } catch (error) {
      button.disabled = false;
      explain(error);
    }
  } }, "Ask for the vignette");
  return button;
}
