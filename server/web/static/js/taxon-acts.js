/**
 * What a manager does with a taxon: each act is one small form, sent when it is confirmed; the page
 * is read anew afterwards, and what the shore refuses stands in the form.
 */

import { api } from "./api.js";
import { fill, h } from "./dom.js";
import { count, plural } from "./format.js";
import { announce, explain, notify } from "./shell.js";

export class TaxonActs {
  /**
   * @param {{dialog: any, form: any, head: any, search: import("./taxon-search.js").TaxonSearch,
   *   changed: (id: number|null) => Promise<void>}} given
   */
  constructor({ dialog, form, head, search, changed }) {
    this.dialog = dialog;
    this.form = form;
    this.head = head;
    this.search = search;
    this.changed = changed;
    /** @type {((values: Record<string, string>) => Promise<void>)|null} */
    this.send = null;
    form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      void this.#submit();
    });
  }

  /**
   * @param {string} title
   * @param {any[]} fields
   * @param {string} label
   * @param {(values: Record<string, string>) => Promise<void>} send
   * @param {string} [look] of the button
   */
  #ask(title, fields, label, send, look = "primary") {
    this.send = send;
    this.head.textContent = title;
    this.error = h("p", { class: "form-error", role: "alert", hidden: true });
    this.button = h("button", { class: look, type: "submit" }, label);
    fill(this.form, fields, this.error, this.button);
    this.dialog.showModal();
    this.form.querySelector("input")?.focus();
  }

  async #submit() {
    const values = Object.fromEntries(new FormData(this.form));
    this.button.disabled = true;
    this.error.hidden = true;
    try {
      await this.send?.(/** @type {Record<string, string>} */ (values));
      this.dialog.close();
    } catch (error) {
      this.error.hidden = false;
      this.error.textContent = error instanceof Error ? error.message : String(error);
    } finally {
      this.button.disabled = false;
    }
  }

  /** @param {any} taxon */
  add(taxon) {
    this.#ask(`Add below ${taxon.display_name}`, [
      h("label", {}, "Name", h("input", { name: "name", maxlength: 120, required: true, autocomplete: "off" })),
      kinds("", true),
      h("label", {}, "Rank", h("input", { name: "rank", maxlength: 32, autocomplete: "off", placeholder: "Genus" })),
      number("AphiaID", "aphia_id", null),
    ], "Add", async (values) => {
      const body = { name: values.name, parent_id: taxon.taxon_id, kind: values.kind || null, rank: values.rank || null, aphia_id: whole(values.aphia_id) };
      const made = await api("POST", "/api/taxa", body);
      await this.changed(made.taxon_id);
      announce(`${made.display_name} added`);
    });
  }

  /** @param {any} taxon */
  rename(taxon) {
    this.#ask(`Rename ${taxon.display_name}`, [
      h("label", {}, "Name", h("input", { name: "name", maxlength: 120, required: true, autocomplete: "off", value: taxon.name })),
      h("p", { class: "muted" }, "The old name stays as another name: whoever says it still finds the taxon."),
    ], "Rename", (values) => this.#patch(taxon, { name: values.name }));
  }

  /** @param {any} taxon */
  edit(taxon) {
    this.#ask(`Details of ${taxon.display_name}`, [
      h("label", {}, "Rank", h("input", { name: "rank", maxlength: 32, autocomplete: "off", value: taxon.rank ?? "" })),
      kinds(taxon.kind, false),
      select("Status", "status", { A: "active", N: "not reviewed", D: "deprecated" }, taxon.status),
      number("AphiaID", "aphia_id", taxon.aphia_id),
      number("EcoTaxa's number", "ecotaxa_id", taxon.ecotaxa_id),
    ], "Keep", (values) => this.#patch(taxon, {
      rank: values.rank || null, kind: values.kind, status: values.status,
      aphia_id: whole(values.aphia_id), ecotaxa_id: whole(values.ecotaxa_id),
    }));
  }

  /** @param {any} taxon */
  synonym(taxon) {
    this.#ask(`Another name of ${taxon.display_name}`, [
      h("label", {}, "Name", h("input", { name: "name", maxlength: 120, required: true, autocomplete: "off" })),
      number("Its AphiaID, if it has one", "aphia_id", null),
    ], "Add", async (values) => {
      await api("POST", `/api/taxa/${taxon.taxon_id}/synonyms`, { name: values.name, aphia_id: whole(values.aphia_id) });
      await this.changed(taxon.taxon_id);
    });
  }

  /** @param {any} taxon @param {any} synonym */
  async removeSynonym(taxon, synonym) {
    try {
      await api("DELETE", `/api/taxa/${taxon.taxon_id}/synonyms/${synonym.synonym_id}`);
      await this.changed(taxon.taxon_id);
    } catch (error) {
      explain(error);
    }
  }

  /** @param {any} taxon */
  async move(taxon) {
    const parent = await this.search.ask("", `what ${taxon.display_name} is to be under`);
    if (!parent) return;
    this.#ask(`Move ${taxon.display_name}`, [
      h("p", {}, "It and all below it go under ", h("b", {}, parent.display_name), "."),
      h("p", { class: "muted" }, (parent.path ?? "").replaceAll(">", " › ")),
    ], "Move", () => this.#patch(taxon, { parent_id: parent.taxon_id }));
  }

  /** @param {any} taxon */
  async merge(taxon) {
    const into = await this.search.ask("", `what ${taxon.display_name} becomes part of`);
    if (!into) return;
    this.#ask(`Merge ${taxon.display_name}`, [
      h("p", {}, h("b", {}, taxon.display_name), " becomes part of ", h("b", {}, into.display_name), "."),
      h("p", { class: "muted" }, `${plural(taxon.uses, "object")} and ${plural(taxon.children.length, "taxon", "taxa")} below it become that one's. `
        + "Its name and number lead there from now on. It cannot be taken back in one step."),
    ], "Merge", async () => {
      let done = await api("POST", `/api/taxa/${taxon.taxon_id}/merge`, { into: into.taxon_id });
      let moved = done.moved;
      while (done.left) {
        this.button.textContent = `${count(moved)} objects moved, ${count(done.left)} to go`;
        done = await api("POST", "/api/taxa/carry");
        moved += done.moved;
      }
      await this.changed(into.taxon_id);
      notify(`Merged: ${plural(moved, "object")} moved.`);
    }, "danger");
  }

  /** @param {any} taxon @param {any} body */
  async #patch(taxon, body) {
    const now = await api("PATCH", `/api/taxa/${taxon.taxon_id}`, body);
    await this.changed(taxon.taxon_id);
    announce(`${now.display_name} changed`);
  }
}

/** @param {string} label @param {string} name @param {Record<string, string>} options @param {string} value */
function select(label, name, options, value) {
  return h("label", {}, label, h("select", { name },
    Object.entries(options).map(([key, text]) => h("option", { value: key, selected: key === value }, text))));
}

/** @param {string} value @param {boolean} open whether the spelling may decide */
function kinds(value, open) {
  const words = { P: "phylogenetic", M: "morphological (egg, nauplius, part)" };
  return select("Kind", "kind", open ? { "": "as it is spelt: Copepoda or egg", ...words } : words, value);
}

/** @param {string} label @param {string} name @param {number|null} value */
function number(label, name, value) {
  return h("label", {}, label, h("input", { name, inputmode: "numeric", pattern: "[1-9][0-9]{0,8}", autocomplete: "off", value: value ?? "" }));
}

/** @param {string} text */
const whole = (text) => (text ? Number(text) : null);
