/** The audit log, newest first. */

import { api } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { when } from "./format.js";
import { Latest } from "./latest.js";
import { explain } from "./shell.js";

/** @type {any[]} */
let rows = [];
const newest = new Latest();

function draw() {
  const heads = ["When", "Who", "Act", "On", "From", "Outcome"];
  fill(byId("entries"), rows.length ? h("table", { class: "rows" },
    h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map((row) => h("tr", {},
      h("td", { "data-label": "When" }, when(row.at_ms)), h("td", { class: "cell-words", "data-label": "Who" }, row.who),
      h("td", { "data-label": "Act" }, row.action),
      h("td", { class: "cell-words", "data-label": "On" }, h("div", {}, row.subject, row.detail && h("small", { class: "line" }, row.detail))),
      h("td", { "data-label": "From" }, row.address || "–"),
      h("td", { "data-label": "Outcome" }, h("span", { class: "badge", data: { health: row.outcome === "done" ? "well" : "trouble" } }, row.outcome))))))
    : h("p", { class: "muted" }, "No act fits."));
  byId("entries").setAttribute("aria-busy", "false");
}

/** @param {number} [before] */
async function load(before) {
  const { who, action } = Object.fromEntries(new FormData(byId("filters")));
  const page = await newest.of(api("GET", "/api/audit", { who, action, before }));
  if (!page) return;
  rows = before ? [...rows, ...page.entries] : page.entries;
  byId("more").hidden = page.next === null;
  draw();
}

byId("filters").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  load().catch(explain);
});
byId("more").addEventListener("click", () => load(rows.at(-1)?.id).catch(explain));
load().catch((error) => {
  byId("entries").setAttribute("aria-busy", "false");
  explain(error);
});
