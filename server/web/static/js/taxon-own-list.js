/**
 * A project's own list of taxa: shown to all who see the project, put in order by who manages it.
 * Each step is kept at once; what the shore answers is what is shown.
 */

import { api } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { alone, Latest } from "./latest.js";
import { announce, explain } from "./shell.js";

const KEY = "seadrift-taxa-project";

export class OwnList {
  /** @param {{search: import("./taxon-search.js").TaxonSearch, chosen: () => any}} given */
  constructor({ search, chosen }) {
    this.search = search;
    this.chosen = chosen;
    /** @type {any[]} */
    this.taxa = [];
    /** Whose list `taxa` is: another may be chosen already whose list has not come. */
    this.project = "";
    this.newest = new Latest();
    this.manages = ["manager", "administrator"].includes(document.body.dataset.role ?? "");
    this.select = byId("own-project");
    this.select.addEventListener("change", () => {
      localStorage.setItem(KEY, this.select.value);
      this.load().catch(explain);
    });
    byId("own-add").addEventListener("click", () => this.#add().catch(explain));
    byId("own-here").addEventListener("click", () => this.#keep([...this.#ids(), this.chosen().taxon_id]));
  }

  async start() {
    if (this.select.childElementCount) return;
    const projects = await api("GET", "/api/projects");
    byId("own").hidden = !projects.length;
    const last = localStorage.getItem(KEY);
    fill(this.select, projects.map((/** @type {any} */ one) =>
      h("option", { value: one.project_id, selected: String(one.project_id) === last }, one.title)));
    await this.load();
  }

  #ids() {
    return this.taxa.map((one) => one.taxon_id);
  }

  async load() {
    if (!this.select.value) return;
    const project = this.select.value;
    const taxa = await alone(byId("own-room"), () => this.newest.of(api("GET", `/api/projects/${project}/taxon_list`)));
    if (!taxa) return;
    Object.assign(this, { project, taxa });
    this.draw();
  }

  draw() {
    const empty = h("li", {}, h("span", {}), h("span", { class: "muted" }, "Nothing yet: the search puts first what the project uses most."), h("span", {}));
    fill(byId("own-list"), this.taxa.length ? this.taxa.map((one, at) => this.#line(one, at)) : empty);
    const chosen = this.chosen();
    byId("own-acts").hidden = !this.manages;
    byId("own-here").hidden = !chosen || this.#ids().includes(chosen.taxon_id);
    if (chosen) byId("own-here").textContent = `Add ${chosen.display_name}`;
  }

  /** @param {any} one @param {number} at */
  #line(one, at) {
    const step = (/** @type {string} */ text, /** @type {string} */ label, /** @type {() => void} */ run, /** @type {boolean} */ off) =>
      h("button", { type: "button", class: "quiet", "aria-label": `${label} ${one.display_name}`, disabled: off, onclick: run }, text);
    return h("li", {},
      h("span", { class: "place" }, at + 1),
      h("a", { href: `?taxon=${one.taxon_id}`, title: one.path }, one.display_name),
      this.manages ? h("span", { class: "own-acts" },
        step("↑", "Move up", () => this.#swap(at, at - 1), at === 0),
        step("↓", "Move down", () => this.#swap(at, at + 1), at === this.taxa.length - 1),
        step("×", "Remove", () => this.#keep(this.#ids().filter((id) => id !== one.taxon_id)), false)) : h("span", {}));
  }

  /** @param {number} one @param {number} other */
  #swap(one, other) {
    const ids = this.#ids();
    [ids[one], ids[other]] = [ids[other], ids[one]];
    void this.#keep(ids);
  }

  async #add() {
    const taxon = await this.search.ask("", "the list");
    if (taxon) await this.#keep([...this.#ids(), taxon.taxon_id]);
  }

  /** @param {number[]} ids */
  async #keep(ids) {
    try {
      const { project } = this;
      const taxa = await alone(byId("own-room"), () => api("PUT", `/api/projects/${project}/taxon_list`, { taxon_ids: ids }));
      if (project !== this.project) return;
      this.taxa = taxa;
      this.draw();
      announce(`${taxa.length} taxa in the list`);
    } catch (error) {
      explain(error);
    }
  }
}
