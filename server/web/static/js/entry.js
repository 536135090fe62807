/** One entry of the quarantine: what came, what is wrong with it, its repair, what was decided. */

import { api, ApiError } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { count, when } from "./format.js";
import { CODE_MEANS, CODE_WORDS, EVENT_WORDS, STATE_TONE, STATE_WORDS } from "./quarantine-words.js";
import { announce, explain } from "./shell.js";

const root = byId("entry");
const path = `/api/quarantine/${root.dataset.entry}`;
const decides = document.body.dataset.role === "administrator";

/** @param {any} entry */
function facts(entry) {
  /** @type {Array<[string, any]>} */
  const known = [
    ["Device", h("a", { href: `/devices/${entry.device_id}` }, entry.device_id)],
    ["Record", entry.seq === null ? "no readable name" : `${count(entry.seq)} of epoch ${entry.epoch}`],
    ["Size", `${count(entry.bytes)} bytes`],
    ["As it came", h("a", { href: `${path}/bytes` }, "save the bytes")],
  ];
  return h("dl", { class: "facts" }, known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** What the shore finds wrong with it today. @param {any} seen @param {any} entry */
function verdict(seen, entry) {
  const good = seen.problem === null;
  const said = good ? "Nothing is wrong with it now: it can be taken in." : `${seen.problem}.`;
  return h("p", { class: "notch", data: { health: good ? "well" : "trouble" } }, said,
    entry.detail !== seen.problem && h("small", { class: "line" }, `It was set aside with: ${entry.detail}`));
}

/** Items one a line; the wrong one is marked. @param {any} seen */
function tree(seen) {
  if (!seen.lines.length) return null;
  return h("div", { class: "tree", tabindex: 0, role: "region", "aria-label": "Decoded record" },
    seen.lines.map((/** @type {any} */ line) => h("div", { class: "tree-line", data: { wrong: line.wrong, depth: Math.min(8, line.path.length) } },
      h("span", { class: "tree-at" }, line.at),
      h("span", { class: "tree-name" }, line.path.at(-1) ?? "record"),
      h("span", { class: "tree-kind" }, line.kind),
      h("span", { class: "tree-text" }, line.text),
      line.wrong && h("span", { class: "badge", data: { health: "trouble" } }, "here"))),
    seen.stopped && h("div", { class: "tree-line tree-stop" }, seen.stopped));
}

/** @param {any} seen */
function batch(seen) {
  if (!seen.records) return null;
  return h("div", {}, h("table", { class: "rows" },
    h("thead", {}, h("tr", {}, ["Record", "Kind", "Would it be taken?"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, seen.records.map((/** @type {any} */ one) => h("tr", {}, h("td", { "data-label": "Record" }, one.seq ?? "–"),
      h("td", { "data-label": "Kind" }, one.kind ?? "–"), h("td", { class: "cell-words", "data-label": "Would it be taken?" }, one.problem ?? "yes"))))),
    seen.stopped && h("p", { class: "muted" }, seen.stopped));
}

/** @param {any} seen */
function image(seen) {
  return seen.image && h("figure", { class: "vignette" }, h("img", { src: `${path}/image`, alt: "The vignette in this record" }),
    h("figcaption", { class: "muted" }, `${seen.image[0]} × ${seen.image[1]} px`));
}

/** The form that mends the record; the shore checks it as intake does. @param {any} entry @param {any} seen */
function repair(entry, seen) {
  if (!decides || entry.state === "replayed" || entry.code === "revoked") return null;
  const problem = h("p", { class: "form-error", role: "alert", hidden: true });
  const area = h("textarea", { rows: 14, spellcheck: "false", name: "text" });
  area.value = seen.text ?? "";
  const send = async (/** @type {any} */ body) => {
    problem.hidden = true;
    try {
      show(await api("POST", `${path}/repair`, body));
      announce("Repaired; it can be taken in now");
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 422) return explain(error);
      problem.textContent = error.message;
      problem.hidden = false;
    }
  };
  const form = h("form", { class: "stack", onsubmit: (/** @type {Event} */ event) => {
    event.preventDefault();
    send({ text: area.value });
  } },
    h("label", {}, seen.text === null ? "This is no CBOR: the record can be written anew" : "The record", area),
    h("p", { class: "muted" }, "Types are kept. $bytes is a byte string in hex; $same is a long one that stays as it is. The bytes as they came are kept for ever."),
    problem,
    h("div", { class: "card-foot" }, h("button", { type: "submit" }, "Keep the repair"),
      seen.wrong && h("button", { type: "button", onclick: () => send({ drop: [seen.wrong.join(".")] }) }, `Drop ${seen.wrong.at(-1)}`)));
  return h("section", { class: "card", "aria-label": "Repair" }, h("h2", {}, "Repair"), form);
}

/** @param {any} entry @param {any} seen */
function decide(entry, seen) {
  if (!decides || entry.state === "replayed") return null;
  const reason = h("input", { name: "reason", maxlength: 1000, required: true, placeholder: "why it is not wanted" });
  const act = async (/** @type {string} */ word, /** @type {any} */ body) => {
    try {
      const answer = await api("POST", `/api/quarantine/${word}`, { ids: [entry.id], ...body });
      if (answer.refused.length) throw new ApiError(409, "refused", `Not done: ${answer.refused[0].message}.`);
      show(await api("GET", path));
      announce(word === "replay" ? "Taken in" : "Discarded");
    } catch (error) {
      explain(error);
    }
  };
  return h("section", { class: "card", "aria-label": "Decide" }, h("h2", {}, "Decide"),
    h("div", { class: "card-foot" },
      h("button", { type: "button", class: "primary", disabled: Boolean(seen.problem) && entry.code !== "revoked", onclick: () => act("replay", {}) }, entry.code === "hash_conflict" ? "Take in under a new name" : "Take in")),
    entry.state !== "discarded" && h("form", { class: "inline-form", onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      act("discard", { reason: reason.value });
    } }, h("label", { class: "grow" }, h("span", { class: "visually-hidden" }, "Reason"), reason), h("button", { type: "submit", class: "danger" }, "Discard")));
}

/** @param {any} entry */
function events(entry) {
  if (!entry.events.length) return null;
  return h("section", { class: "card", "aria-label": "History" }, h("h2", {}, "What was done"),
    h("ol", { class: "told" }, entry.events.map((/** @type {any} */ event) => h("li", {},
      h("div", {}, `${EVENT_WORDS[event.kind] ?? event.kind}: ${event.detail}`), h("small", { class: "muted" }, `${event.who} · ${when(event.created_ms)}`)))));
}

/** @param {any} entry */
function show(entry) {
  const seen = entry.repaired ?? entry.original;
  fill(root,
    h("div", { class: "page-head" },
      h("div", {}, h("a", { class: "muted", href: "/quarantine" }, "Back to the quarantine"), h("h1", {}, `Entry ${entry.id}: ${CODE_WORDS[entry.code] ?? entry.code}`),
        h("p", { class: "muted" }, CODE_MEANS[entry.code] ?? "")),
      h("span", { class: "badge", data: { health: STATE_TONE[entry.state] } }, STATE_WORDS[entry.state])),
    verdict(seen, entry),
    h("div", { class: "halves" },
      h("section", { class: "card", "aria-label": "The record" }, h("h2", {}, entry.repaired ? "The record, repaired" : entry.code === "revoked" ? "The batch" : "The record"), facts(entry), image(seen), tree(seen), batch(seen),
        h("details", {}, h("summary", {}, "The bytes as they came"), h("pre", { class: "hex", tabindex: 0 }, entry.original.hex))),
      h("div", { class: "column" }, repair(entry, seen), decide(entry, seen), events(entry))));
  root.setAttribute("aria-busy", "false");
}

/** @param {unknown} error */
function missing(error) {
  if (!(error instanceof ApiError) || error.status !== 404) return explain(error);
  fill(root, h("div", { class: "empty" }, h("h1", {}, "There is no such entry"), h("a", { class: "button", href: "/quarantine" }, "To the quarantine")));
  root.setAttribute("aria-busy", "false");
}

api("GET", path).then(show).catch(missing);
