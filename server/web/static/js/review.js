/**
 * The review page: wires the queue of objects, the grid, the taxa, the filters, the keys and the
 * outbox together. What each does is in its own file; here is only who tells whom. What the person does
 * to objects is in hand.js.
 */

import { api, ApiError } from "./api.js";
import { VERBS } from "./actions.js";
import { byId } from "./dom.js";
import { Filters, fromAddress, toAddress } from "./filters.js";
import "./grid.js";
import { Hand } from "./hand.js";
import { buildHelp } from "./help.js";
import { inspect } from "./inspector.js";
import { commandFor } from "./keymap.js";
import { Outbox } from "./outbox.js";
import { Queue } from "./queue.js";
import { announce, explain } from "./shell.js";
import { Sorting } from "./sorting.js";
import { Stage } from "./stage.js";
import { TaxaList } from "./taxa-list.js";

/** @typedef {import("./types.js").Verb} Verb */

const PAGE_SIZE = 200;
const LOOK_OUT_MS = 10_000;

export class Review {
  constructor() {
    const root = byId("review");
    this.projectId = Number(root.dataset.project);
    this.base = `/api/projects/${this.projectId}`;
    /** @type {import("./grid.js").Grid} */
    this.grid = byId("grid");
    const who = document.body.dataset.user ?? "";
    this.outbox = new Outbox(localStorage, `seadrift.outbox.${who}.${this.projectId}`, (entry) =>
      api("POST", `${this.base}/${entry.op}`, entry.body),
    );
    this.queue = new Queue(
      (filter, offset, limit) => api("GET", `${this.base}/objects`, { ...filter, offset, limit }),
      () => this.#settled(),
      PAGE_SIZE,
    );
    const { filter, empty } = fromAddress(location.search);
    this.taxa = new TaxaList((taxonId) => this.filters.set({ taxon_id: taxonId }));
    this.filters = new Filters(filter, () => void this.load());
    this.chooseFirst = empty;
    this.sorting = new Sorting(this.queue, this.outbox, this.taxa);
    this.stage = new Stage(this);
    this.turning = false;
    this.hand = new Hand(this);
  }

  async start() {
    buildHelp(byId("help"));
    this.#listen();
    this.stage.showOutbox();
    void this.outbox.flush();
    try {
      await this.#settled();
      const [project, taxa, columns, settings] = await Promise.all([api("GET", this.base), api("GET", `${this.base}/taxa`), api("GET", `${this.base}/columns`), api("GET", `${this.base}/settings`)]);
      this.taxa.take(taxa);
      this.filters.offer(project);
      this.filters.offerColumns(columns, settings.shown);
      this.grid.lines = settings.shown.length;
      this.grid.relayout();
      this.stage.showProject(project);
      if (this.chooseFirst) {
        const first = this.taxa.mostWaiting();
        this.filters.filter = { ...this.filters.filter, status: "P", taxon_id: first?.taxon_id ?? null };
      }
      await this.load();
      this.grid.focus({ preventScroll: true });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.stage.showMissing();
      else explain(error);
    }
  }

  /** Loads the queue of the present filter from its start. */
  async load() {
    const { filter } = this.filters;
    history.replaceState(null, "", toAddress(filter));
    this.taxa.chosen = filter.taxon_id;
    this.taxa.status = filter.status;
    this.stage.showCounts();
    try {
      if (await this.queue.load(filter)) this.stage.showPage(true);
    } catch (error) {
      explain(error);
    }
  }

  /** Counts and page anew from the shore, keeping the place. */
  async refresh() {
    try {
      await this.#settled();
      const [project, taxa] = await Promise.all([api("GET", this.base), api("GET", `${this.base}/taxa`)]);
      this.taxa.take(taxa);
      this.filters.offer(project);
      this.stage.showCounts();
      this.stage.showArrived(0);
      if (await this.queue.load(this.filters.filter, this.queue.offset)) this.stage.showPage(false);
      this.#goOn();
    } catch (error) {
      explain(error);
    }
  }

  /** A page that was done while the link was dead is turned when the shore is back. */
  #goOn() {
    if (this.outbox.size === 0 && this.queue.filter && !this.queue.visible.length && !this.stage.finished) void this.turn(1);
  }

  /** Instruments send while a person sorts: says how many objects came since. */
  async #lookOut() {
    if (document.hidden || this.outbox.size > 0) return;
    try {
      const { total } = await api("GET", this.base);
      const came = total - this.taxa.counts(null).total;
      if (came > 0 && this.taxa.taxa.length === 0) await this.refresh();
      else this.stage.showArrived(came);
    } catch {
      // The next look will tell.
    }
  }

  /** Resolves once the shore holds everything (true), or when it cannot be reached (false). */
  #settled() {
    const { outbox } = this;
    if (outbox.size === 0 || outbox.held) return Promise.resolve(outbox.size === 0);
    return new Promise((/** @type {(value: boolean) => void} */ resolve) => {
      const look = () => {
        if (outbox.size > 0 && !outbox.held) return;
        outbox.removeEventListener("change", look);
        resolve(outbox.size === 0);
      };
      outbox.addEventListener("change", look);
    });
  }

  #listen() {
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("click", (event) => this.#clicked(event));
    this.grid.addEventListener("cursor", (/** @type {any} */ event) =>
      inspect(event.detail, (guess) => this.run(`guess-${guess + 1}`)),
    );
    this.grid.addEventListener("selection", () => this.stage.showChosen());
    this.grid.addEventListener("open", (/** @type {any} */ event) => location.assign(`/objects/${event.detail}`));
    this.outbox.addEventListener("change", () => this.stage.showOutbox());
    this.outbox.addEventListener("refused", (/** @type {any} */ event) => this.hand.refused(event.detail));
    this.outbox.addEventListener("sent", (/** @type {any} */ event) => {
      const early = this.queue.early && this.outbox.size === 0;
      if (this.hand.surprised(event.detail) || early) void this.refresh();
      else this.#goOn();
    });
    window.addEventListener("online", () => void this.outbox.flush().then(() => this.#goOn()));
    window.addEventListener("offline", () => this.stage.showOutbox());
    window.addEventListener("storage", () => this.stage.showOutbox());
    byId("arrived").addEventListener("click", () => void this.refresh());
    setInterval(() => void this.#lookOut(), LOOK_OUT_MS);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (document.querySelector("dialog[open]") || isTyping(event.target)) return;
    const found = commandFor(event);
    if (!found || (onControl(event.target) && (event.key === "Enter" || event.key === " "))) return;
    event.preventDefault();
    this.run(found.command, found);
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const button = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest?.("[data-command]"));
    if (!button) return;
    this.run(String(button.dataset.command));
    if (!document.querySelector("dialog[open]")) this.grid.focus({ preventScroll: true });
  }

  /**
   * Does what a key or a button asks for.
   * @param {string} command
   * @param {{text?: string, key?: string}} [how]
   */
  run(command, how = {}) {
    const { grid } = this;
    if (command in VERBS && command !== "relabel") return this.hand.act(/** @type {Verb} */ (command), null);
    if (command.startsWith("guess-")) return void this.hand.guess(Number(command.slice(6)) - 1);
    switch (command) {
      case "search": return void this.hand.relabel(how.text ?? "");
      case "repeat": return this.hand.repeat();
      case "undo": return this.hand.undo();
      case "redo": return this.hand.redo();
      case "toggle": return grid.toggle();
      case "select-all": return grid.selectAll();
      case "clear": return grid.clear();
      case "extend": return grid.move(wayOf(how.key), true);
      case "left": case "right": case "up": case "down": case "first": case "last":
        return grid.move(command);
      case "next-page": return void this.turn(1);
      case "previous-page": return void this.turn(-1);
      case "open": return grid.current ? location.assign(`/objects/${grid.current.objid}`) : undefined;
      case "next-taxon": return this.nextTaxon();
      case "help": return byId("help").showModal();
    }
  }

  /** @param {1|-1} way */
  async turn(way) {
    if (this.turning || (way < 0 && !this.queue.hasPrevious)) return;
    this.turning = true;
    try {
      if (way < 0) await this.queue.previous();
      else if (this.queue.hasNext) await this.queue.next();
      else if (this.queue.visible.length) return announce("This is the last page");
      // Nothing behind: what was left on earlier pages, or what the shore counts by now.
      if (way > 0 && !this.queue.visible.length) await this.queue.load(this.filters.filter);
      this.stage.showPage(true);
    } catch (error) {
      this.stage.showPage(true);
      explain(error);
    } finally {
      this.turning = false;
    }
  }

  nextTaxon() {
    const next = this.taxa.mostWaiting(this.filters.filter.taxon_id);
    if (next) this.filters.set({ taxon_id: next.taxon_id, status: "P", score_min: null, score_max: null });
  }
}

/** @param {string|undefined} key */
function wayOf(key) {
  return /** @type {"left"|"right"|"up"|"down"} */ ((key ?? "ArrowRight").slice(5).toLowerCase());
}

/** @param {EventTarget|null} target */
function isTyping(target) {
  return target instanceof HTMLElement && target.matches("input:not([type=checkbox]):not([type=range]), textarea, select");
}

/** @param {EventTarget|null} target */
function onControl(target) {
  return target instanceof HTMLElement && target.matches("a, button, input, summary");
}

new Review().start();
