/**
 * What every page has: the way out, notices, the live region, and the way back to the door when the
 * session has ended. Nothing here knows about objects.
 */

import { api, ApiError } from "./api.js";
import { byId, h } from "./dom.js";

/**
 * Tells what happened: to a screen reader, and to the eye where the page has a line for it.
 * @param {string} text
 */
export function announce(text) {
  byId("live").textContent = text;
  const line = document.getElementById("said");
  if (line) line.textContent = text;
}

/**
 * Shows a notice; one with an action stays until it is closed.
 * @param {string} text
 * @param {{kind?: "good"|"bad", action?: {label: string, run: () => void}, stays?: boolean}} [options]
 */
export function notify(text, { kind = "good", action, stays = kind === "bad" } = {}) {
  const close = () => notice.remove();
  const act = () => {
    close();
    action?.run();
  };
  const notice = h(
    "div",
    { class: "notice", role: kind === "bad" ? "alert" : "status", data: { kind } },
    h("span", { class: "notice-text" }, text),
    action && h("button", { type: "button", onclick: act }, action.label),
    h("button", { type: "button", class: "quiet", "aria-label": "Close the notice", onclick: close }, "×"),
  );
  const list = byId("notices");
  list.append(notice);
  while (list.childElementCount > 4) list.firstElementChild?.remove();
  if (!stays) setTimeout(close, 5000);
}

/**
 * Shows why something failed; a session that ended leads to the door, and back here.
 * @param {unknown} error
 */
export function explain(error) {
  if (error instanceof ApiError && error.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    return;
  }
  notify(error instanceof Error ? error.message : String(error), { kind: "bad" });
  if (!(error instanceof ApiError)) console.error(error);
}

async function logOut() {
  try {
    await api("POST", "/api/logout");
    location.assign("/login");
  } catch (error) {
    explain(error);
  }
}

document.getElementById("logout")?.addEventListener("click", logOut);
