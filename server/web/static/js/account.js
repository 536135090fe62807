/** One's own account: tokens for scripts, the password. A token is shown once and never again. */

import { api } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { onSubmit } from "./form.js";
import { ago, when } from "./format.js";
import { announce, explain } from "./shell.js";

const ROLES = ["viewer", "annotator", "manager", "administrator"];

/** @param {any} token */
function row(token) {
  const ended = token.revoked_ms !== null && token.revoked_ms !== undefined;
  const over = !ended && token.expires_ms < Date.now();
  return h("tr", {},
    h("td", { class: "cell-words", "data-label": "Name" }, token.name), h("td", { "data-label": "Role" }, token.role),
    h("td", { "data-label": "Used" }, token.used_ms ? ago(token.used_ms, Date.now()) : "never"),
    h("td", { "data-label": "Until" }, ended ? "revoked" : over ? "over" : when(token.expires_ms).slice(0, 10)),
    h("td", {}, !ended && !over && h("button", { type: "button", class: "danger", "aria-label": `Revoke ${token.name}`, onclick: () => revoke(token) }, "Revoke")));
}

async function show() {
  const tokens = await api("GET", "/api/tokens");
  fill(byId("tokens"), tokens.length ? h("table", { class: "rows" },
    h("thead", {}, h("tr", {}, ["Name", "Role", "Used", "Until", ""].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, tokens.map(row)))
    : h("p", { class: "muted" }, "None yet. A script shows its token as Authorization: Bearer …"));
  byId("tokens").setAttribute("aria-busy", "false");
}

/** @param {any} token */
async function revoke(token) {
  if (!confirm(`Revoke ${token.name}? Scripts that use it are refused from now on.`)) return;
  try {
    await api("DELETE", `/api/tokens/${token.token_id}`);
    announce(`${token.name} revoked`);
    await show();
  } catch (error) {
    explain(error);
  }
}

onSubmit(byId("token-form"), async ({ name, role, valid_d }, form) => {
  const { token } = await api("POST", "/api/tokens", { name, role, valid_d: Number(valid_d) });
  byId("token-secret").textContent = token;
  byId("token-result").hidden = false;
  form.hidden = true;
  byId("token-secret").focus();
  await show();
});
onSubmit(byId("password-form"), async (data, form) => {
  await api("POST", "/api/me/password", { old: data.old, new: data.new });
  form.reset();
  announce("Password changed");
});
byId("token-done").addEventListener("click", () => {
  byId("token-secret").textContent = "";
  byId("token-result").hidden = true;
  byId("token-form").reset();
  byId("token-form").hidden = false;
});
byId("everywhere").addEventListener("click", async () => {
  try {
    await api("POST", "/api/logout/everywhere");
    location.assign("/login");
  } catch (error) {
    explain(error);
  }
});
const mine = ROLES.indexOf(document.body.dataset.role ?? "viewer");
fill(byId("token-form").elements.role, ROLES.slice(0, mine + 1).map((role) => h("option", { value: role }, `as much as a ${role}`.replace("a a", "an a"))));
show().catch(explain);
