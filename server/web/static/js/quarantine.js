/** The quarantine: what was set aside, by reason, device and state; many decided about at once. */

import { api } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { ago, count, plural } from "./format.js";
import { Latest } from "./latest.js";
import { CODE_WORDS, STATE_TONE, STATE_WORDS } from "./quarantine-words.js";
import { announce, explain } from "./shell.js";

const PAGE = 100;
const decides = document.body.dataset.role === "administrator";
const filters = byId("filters");
/** @type {any[]} */
let rows = [];
const newest = new Latest();
/** @type {Set<number>} */
const chosen = new Set();

/** The filter as the API takes it. */
function wanted() {
  /** @type {Record<string, string>} */
  const asked = {};
  for (const [name, value] of new FormData(filters)) if (value) asked[name] = String(value);
  return asked;
}

/** @param {any} row */
function line(row) {
  const box = h("input", { type: "checkbox", checked: chosen.has(row.id), "aria-label": `Choose entry ${row.id}`, onchange: () => choose(row.id, box.checked) });
  return h("tr", {},
    decides && h("td", { class: "cell-check" }, box),
    h("td", { "data-label": "Entry" }, h("a", { href: `/quarantine/${row.id}` }, `${row.id}`)),
    h("td", { "data-label": "Why" }, CODE_WORDS[row.code] ?? row.code),
    h("td", { class: "cell-words", "data-label": "What" }, row.detail),
    h("td", { "data-label": "Device" }, h("a", { href: `/devices/${row.device_id}` }, row.device)),
    h("td", { "data-label": "Came" }, ago(row.last_ms, Date.now()), row.times > 1 ? h("small", {}, ` ${count(row.times)} times`) : null),
    h("td", { "data-label": "State" }, h("span", { class: "badge", data: { health: STATE_TONE[row.state] } }, STATE_WORDS[row.state])));
}

function table() {
  const all = h("input", { type: "checkbox", "aria-label": "Choose all shown", checked: rows.length > 0 && chosen.size === rows.length, onchange: () => chooseAll(all.checked) });
  return h("table", { class: "rows" },
    h("thead", {}, h("tr", {}, decides && h("th", { class: "cell-check" }, all),
      ["Entry", "Why", "What", "Device", "Came", "State"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map(line)));
}

function draw() {
  fill(byId("entries"), rows.length ? table() : h("div", { class: "empty" }, h("h2", {}, "Nothing here"),
    h("p", { class: "muted" }, "No entry fits the filter. What cannot be used appears here with the reason.")));
  byId("entries").setAttribute("aria-busy", "false");
  drawBulk();
}

function drawBulk() {
  byId("bulk").hidden = !decides || !rows.length;
  byId("chosen").textContent = chosen.size ? `${plural(chosen.size, "entry", "entries")} chosen` : "Choose entries to take them in or to discard them.";
  for (const id of ["replay", "discard"]) byId(id).disabled = !chosen.size;
}

/** @param {number} id @param {boolean} on */
function choose(id, on) {
  if (on) chosen.add(id);
  else chosen.delete(id);
  drawBulk();
}

/** @param {boolean} on */
function chooseAll(on) {
  chosen.clear();
  if (on) for (const row of rows) chosen.add(row.id);
  draw();
}

/** @param {number} [before] */
async function load(before) {
  const found = await newest.of(api("GET", "/api/quarantine", { ...wanted(), limit: PAGE, before }));
  if (!found) return;
  if (!before) chosen.clear();
  rows = before ? [...rows, ...found] : found;
  byId("more").hidden = found.length < PAGE;
  draw();
}

/** @param {string} word @param {any} body @param {string} done */
async function act(word, body, done) {
  try {
    const answer = await api("POST", `/api/quarantine/${word}`, { ids: [...chosen], ...body });
    await load();
    const refused = answer.refused ?? [];
    announce(`${done}: ${answer.done}`);
    fill(byId("outcome"), h("div", { class: "notch", data: { health: refused.length ? "late" : "well" } },
      `${plural(answer.done, "entry", "entries")} ${done}.`,
      refused.length > 0 && h("ul", {}, refused.slice(0, 10).map((/** @type {any} */ one) =>
        h("li", {}, h("a", { href: `/quarantine/${one.id}` }, `Entry ${one.id}`), `: ${one.message}`))),
      refused.length > 10 && h("p", {}, `and ${refused.length - 10} more, which stay as they are.`)));
  } catch (error) {
    explain(error);
  }
}

async function start() {
  const asked = new URLSearchParams(location.search);
  const devices = await api("GET", "/api/devices");
  const select = filters.elements.namedItem("device");
  select.append(...devices.map((/** @type {any} */ one) => h("option", { value: one.device_id }, one.name)));
  for (const [name, value] of asked) if (filters.elements.namedItem(name)) filters.elements.namedItem(name).value = value;
  await load();
}

filters.addEventListener("change", () => {
  history.replaceState(null, "", `?${new URLSearchParams(wanted())}`);
  load().catch(explain);
});
filters.addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
byId("more").addEventListener("click", () => load(rows.at(-1)?.id).catch(explain));
byId("replay").addEventListener("click", () => act("replay", {}, "taken in"));
byId("discard").addEventListener("click", () => byId("discard-dialog").showModal());
byId("discard-form").addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  const reason = String(new FormData(form).get("reason"));
  form.reset();
  byId("discard-dialog").close();
  await act("discard", { reason }, "discarded");
});
start().catch(explain);
