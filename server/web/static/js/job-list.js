/**
 * Jobs as cards that follow what becomes of them: progress, log, what went wrong, what is asked, the
 * file. A card is drawn anew only when its job has changed, so an answer being typed stays.
 *
 * @example new JobList(byId("jobs"), { project_id: 3, type: "import" }, search).start();
 */

import { api } from "./api.js";
import { fill, h } from "./dom.js";
import { ago, count, plural, when } from "./format.js";
import { problemsTable } from "./problems.js";
import { questionForm } from "./question.js";
import { explain } from "./shell.js";

const FAST_MS = 1000;
const SLOW_MS = 10_000;
/** @type {Record<string, [string, string]>} */
export const STATES = { P: ["waiting", "new"], R: ["running", "late"], A: ["asks you", "late"], E: ["not done", "trouble"], F: ["done", "well"] };
/** @type {Record<string, string>} */
const TYPES = { import: "Import", export: "Export", predict: "Prediction", similar: "Index of similar objects" };
const HIDDEN = ["similar"];
/** @type {Array<[string, string]>} */
const COUNTS = [["new", "new"], ["updated", "updated"], ["same", "as they were"], ["skipped", "passed over"], ["images", "images"], ["events", "annotations"], ["objects", "objects"], ["rows", "rows"], ["samples", "samples"]];

export class JobList {
  /**
   * @param {HTMLElement} room
   * @param {{project_id?: number, type?: string, states?: string}} wanted
   * @param {import("./taxon-search.js").TaxonSearch|null} search
   */
  constructor(room, wanted, search) {
    this.room = room;
    this.wanted = wanted;
    this.search = search;
    /** @type {Map<number, {key: string, element: HTMLElement}>} */
    this.cards = new Map();
    this.timer = 0;
  }

  start() {
    this.refresh().catch(explain);
  }

  async refresh() {
    clearTimeout(this.timer);
    const { project_id, type, states } = this.wanted;
    const jobs = (await api("GET", "/api/queue", { project_id })).filter((/** @type {any} */ job) =>
      (type ? job.type === type : !HIDDEN.includes(job.type)) && (!states || states.includes(job.state)));
    const cards = await Promise.all(jobs.map((/** @type {any} */ job) => this.#card(job)));
    if (!jobs.length) fill(this.room, h("p", { class: "muted" }, "None yet."));
    else if (cards.some((card, at) => this.room.children[at] !== card) || this.room.children.length !== cards.length) this.room.replaceChildren(...cards);
    this.room.setAttribute("aria-busy", "false");
    const busy = jobs.some((/** @type {any} */ job) => job.state === "P" || job.state === "R");
    this.timer = setTimeout(() => this.refresh().catch(() => this.#later()), busy ? FAST_MS : SLOW_MS);
  }

  #later() {
    this.timer = setTimeout(() => this.refresh().catch(() => this.#later()), SLOW_MS);
  }

  /** @param {any} job */
  async #card(job) {
    const key = JSON.stringify([job.state, job.progress, job.message, job.tries, job.ended_ms]);
    const known = this.cards.get(job.job_id);
    if (known?.key === key) return known.element;
    const element = h("article", { class: "card job", "aria-label": `${TYPES[job.type] ?? job.type} ${job.job_id}` });
    this.cards.set(job.job_id, { key, element });
    const whole = ["A", "E", "F"].includes(job.state) ? await api("GET", `/api/queue/${job.job_id}`) : job;
    fill(element, this.#head(whole), await this.#body(whole), this.#foot(whole));
    return element;
  }

  /** @param {any} job */
  #head(job) {
    const [word, health] = STATES[job.state];
    const times = job.ended_ms ? `ended ${ago(job.ended_ms, Date.now())}` : `asked ${ago(job.created_ms, Date.now())}`;
    return h("div", { class: "card-head" },
      h("div", {}, h("h3", {}, `${TYPES[job.type] ?? job.type}${job.what ? ` · ${job.what}` : ""}`),
        h("p", { class: "muted" }, [!this.wanted.project_id && job.project, job.user, times].filter(Boolean).join(" · "))),
      h("span", { class: "badge", data: { health }, title: when(job.created_ms) }, word));
  }

  /** @param {any} job */
  async #body(job) {
    if (job.state === "A" && this.search) {
      try {
        return await questionForm(job, this.search, () => this.refresh().catch(explain));
      } catch (error) {
        explain(error);
        return null;
      }
    }
    if (job.state === "E") return this.#failed(job);
    if (job.state === "F") return this.#finished(job);
    return h("div", { class: "progress" }, h("progress", { max: 100, value: job.state === "R" ? job.progress : 0, "aria-label": "Progress" }),
      h("span", {}, job.state === "P" ? "waits for a worker" : `${job.progress} %  ${job.message}`));
  }

  /** @param {any} job */
  async #failed(job) {
    const told = job.type === "import" ? await api("GET", `/api/queue/${job.job_id}/problems`) : { shown: [] };
    const summary = told.shown.length
      ? h("p", {}, h("b", {}, "Nothing was imported. "), `${plural(told.errors, "error")} must be mended first${told.warnings ? `; ${plural(told.warnings, "warning")}` : ""}.`)
      : h("ul", { class: "told" }, job.errors.slice(0, 20).map((/** @type {string} */ line) => h("li", {}, line)));
    return [summary, problemsTable(told, `problems-${job.job_id}`)];
  }

  /** @param {any} job */
  #finished(job) {
    const result = job.result ?? {};
    const counts = COUNTS.filter(([name]) => typeof result[name] === "number");
    const notes = [...(result.warnings ?? []), ...(result.mended ?? [])];
    return [
      counts.length ? h("dl", { class: "facts" }, counts.map(([name, label]) => h("div", {}, h("dt", {}, label), h("dd", {}, count(result[name]))))) : null,
      notes.length ? h("details", {}, h("summary", {}, plural(notes.length, "remark")), h("ul", { class: "told" }, notes.slice(0, 200).map((/** @type {string} */ line) => h("li", { class: "cell-words" }, line)))) : null,
    ];
  }

  /** @param {any} job */
  #foot(job) {
    const log = h("pre", { class: "log", hidden: true, tabindex: "0", "aria-label": "Log" });
    const file = job.state === "F" && job.result?.file;
    return [h("div", { class: "card-foot" },
      file && h("a", { class: "button primary", href: `/api/jobs/${job.job_id}/file`, download: job.result.file }, "Download"),
      job.state === "F" && job.type === "import" && h("a", { class: "button", href: `/projects/${job.project_id}/review` }, "Look at the objects"),
      (job.state === "E" || job.state === "A") && h("button", { type: "button", onclick: () => this.#act(job, "restart") }, "Begin again"),
      h("button", { type: "button", class: "quiet", "aria-expanded": "false", onclick: (/** @type {Event} */ event) => this.#log(job, log, /** @type {HTMLElement} */ (event.currentTarget)) }, "Log"),
      h("button", { type: "button", class: "quiet", "aria-label": `Remove job ${job.job_id}`, onclick: () => this.#remove(job) }, ["P", "R"].includes(job.state) ? "Stop and remove" : "Remove")), log];
  }

  /**
   * @param {any} job
   * @param {HTMLElement} log
   * @param {HTMLElement} button
   */
  async #log(job, log, button) {
    try {
      if (log.hidden) log.textContent = (await api("GET", `/api/queue/${job.job_id}/lines`)).lines.join("\n") || "The log is empty.";
      log.hidden = !log.hidden;
      button.setAttribute("aria-expanded", String(!log.hidden));
    } catch (error) {
      explain(error);
    }
  }

  /** @param {any} job */
  #remove(job) {
    const running = ["P", "R", "A"].includes(job.state);
    if (running && !confirm("Stop this job? What it has not finished is not done.")) return;
    void this.#act(job, "remove");
  }

  /**
   * @param {any} job
   * @param {"restart"|"remove"} what
   */
  async #act(job, what) {
    try {
      await api("POST", `/api/queue/${job.job_id}/${what}`);
      this.cards.delete(job.job_id);
      await this.refresh();
    } catch (error) {
      explain(error);
    }
  }
}
