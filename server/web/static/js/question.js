/**
 * What an import asks: which person is meant, which taxon. Answered in place; what was answered is
 * remembered by this browser, so that the next table of the same cruise asks nothing.
 *
 * @example fill(card, await questionForm(job, search, () => refresh()));
 */

import { api } from "./api.js";
import { h } from "./dom.js";
import { onSubmit } from "./form.js";
import { plural } from "./format.js";

const KEPT = "seadrift.import-answers";
const MAKE = "make";
const IMPORTER = "importer";

/** @typedef {{users: Record<string, string>, taxa: Record<string, {id: string, name: string}>}} Kept */

/** @returns {Kept} */
function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    return { users: { ...kept.users }, taxa: { ...kept.taxa } };
  } catch {
    return { users: {}, taxa: {} };
  }
}

/** @param {Kept} answers */
function remember(answers) {
  const before = remembered();
  try {
    localStorage.setItem(KEPT, JSON.stringify({ users: { ...before.users, ...answers.users }, taxa: { ...before.taxa, ...answers.taxa } }));
  } catch {
    // A browser that keeps nothing asks again.
  }
}

/**
 * @param {any} job      with its `question`
 * @param {import("./taxon-search.js").TaxonSearch} search
 * @param {() => void} done
 */
export async function questionForm(job, search, done) {
  const users = job.question.missing_users ?? [];
  const taxa = job.question.missing_taxa ?? [];
  const people = users.length ? await api("GET", "/api/users/search", { by_name: "%" }) : [];
  const kept = remembered();
  /** @type {Kept} */
  const answers = { users: {}, taxa: {} };
  for (const name of taxa) if (kept.taxa[name]) answers.taxa[name] = kept.taxa[name];

  const form = h("form", { class: "stack question" },
    h("p", {}, h("b", {}, "The import asks. "), `Nothing is written before you answer: ${[users.length && plural(users.length, "person", "people"), taxa.length && plural(taxa.length, "taxon", "taxa")].filter(Boolean).join(" and ")} ${users.length + taxa.length === 1 ? "is" : "are"} not known here.`),
    users.length && h("fieldset", { class: "answers" }, h("legend", {}, "People"), users.map(person)),
    taxa.length && h("fieldset", { class: "answers" }, h("legend", {}, "Taxa"), taxa.map(taxon),
      taxa.length > 1 && h("button", { type: "button", onclick: makeRest }, "Make the rest as the table says")),
    h("label", { class: "check" }, h("input", { type: "checkbox", name: "remember", checked: true }), " Remember these answers in this browser"),
    h("p", { class: "form-error", role: "alert", hidden: true }),
    h("div", { class: "card-foot" }, h("button", { type: "submit", class: "primary" }, "Go on with the import")));

  /** @param {string} name */
  function person(name) {
    const admin = document.body.dataset.role === "administrator";
    const known = kept.users[name] ?? "";
    const options = [["", "choose …"], [IMPORTER, "me, who imports"], ...(admin ? [[MAKE, "make: a person who cannot log in"]] : []),
      ...people.map((/** @type {any} */ one) => [String(one.id), `${one.name} · ${one.email}`])];
    return h("label", { class: "answer" }, h("span", {}, name),
      h("select", { required: true, data: { person: name } }, options.map(([value, text]) => h("option", { value, selected: value === known }, text))));
  }

  /** @param {string} name */
  function taxon(name) {
    const said = h("span", { class: "answer-said" });
    const choose = h("button", { type: "button", "aria-label": `Choose the taxon that ${name} means`, onclick: async () => {
      const found = await search.ask(name.split("<")[0], name);
      if (found) set({ id: String(found.taxon_id), name: found.display_name });
    } }, "Choose");
    const make = h("button", { type: "button", class: "quiet", "aria-label": `Make ${name}`, onclick: () => set({ id: MAKE, name: "" }) }, "Make it");
    const row = h("div", { class: "answer", data: { taxon: name } }, h("span", {}, name), said, h("span", { class: "answer-acts" }, choose, make));

    /** @param {{id: string, name: string}} answer */
    function set(answer) {
      answers.taxa[name] = answer;
      said.textContent = answer.id === MAKE ? "is made, where the table says or under “not placed”" : `is ${answer.name}`;
    }
    if (answers.taxa[name]) set(answers.taxa[name]);
    else said.textContent = "not answered";
    /** @type {any} */ (row).set = set;
    return row;
  }

  function makeRest() {
    for (const row of form.querySelectorAll("[data-taxon]")) if (!answers.taxa[row.dataset.taxon]) row.set({ id: MAKE, name: "" });
  }

  onSubmit(form, async (data) => {
    for (const select of form.querySelectorAll("[data-person]")) answers.users[select.dataset.person] = select.value;
    const open = taxa.filter((/** @type {string} */ name) => !answers.taxa[name]);
    if (open.length) throw new Error(`Still open: ${open.slice(0, 5).join(", ")}${open.length > 5 ? " …" : ""}`);
    const said = { users: answers.users, taxa: Object.fromEntries(Object.entries(answers.taxa).map(([name, { id }]) => [name, id])) };
    await api("POST", `/api/queue/${job.job_id}/reply`, { reply: said });
    if (data.remember) remember(answers);
    done();
  });
  return form;
}
