/**
 * Everything around the grid that shows the state: counts, page, verbs, statistics, what is saved,
 * the note when nothing is left. It reads the review and decides nothing.
 */

import { byId, fill, h } from "./dom.js";
import { count, percent, plural, roundLength, um } from "./format.js";
import { EMPTY, perHour, record } from "./stats.js";
import { meterParts } from "./taxa-list.js";

/** How many vignettes of the next page are fetched ahead: a screen of them. */
const WARM = 42;

const VERB_BUTTONS = [
  ["validate", "Validate", "V", "primary"],
  ["search", "Relabel", "/", ""],
  ["dubious", "Dubious", "D", ""],
  ["discard", "Discard", "X", ""],
  ["reset", "Reset", "R", ""],
  ["undo", "Undo", "U", "quiet"],
];

export class Stage {
  /** @param {any} review */
  constructor(review) {
    this.review = review;
    this.finished = false;
    this.statsName = `seadrift.stats.${review.projectId}`;
    this.stats = readStats(this.statsName);
    this.pending = 0;
    fill(
      byId("verbs"),
      VERB_BUTTONS.map(([command, label, key, kind]) =>
        h("button", { type: "button", class: kind, data: { command } }, label, h("kbd", { "aria-hidden": "true" }, key)),
      ),
    );
    this.#size();
    this.#drawers();
    review.grid.addEventListener("layout", () => this.showScale());
    this.showStats();
  }

  /** @param {any} project */
  showProject(project) {
    byId("project-title").textContent = project.title;
    document.title = `${project.title} · Review · Seadrift`;
  }

  /** The address names a project that the shore does not have. */
  showMissing() {
    byId("project-title").textContent = "Not here";
    byId("stage-note").hidden = false;
    fill(byId("stage-note"), h("div", { class: "empty" }, h("h2", {}, "This project is not here"),
      h("p", { class: "muted" }, "It may belong to another shore, or the address may be mistyped."),
      h("a", { class: "button", href: "/" }, "To the projects")));
  }

  /** Counts in the taxa list, in the status filter and in the project's bar. */
  showCounts() {
    const { taxa, filters } = this.review;
    const all = taxa.counts(null);
    const share = all.total ? all.validated / all.total : 0;
    taxa.render();
    filters.render(taxa.counts(filters.filter.taxon_id));
    fill(byId("project-meter"), meterParts(all));
    byId("project-meter").setAttribute("aria-label", `${percent(share)} validated`);
    byId("project-share").textContent = `${count(all.validated)} of ${count(all.total)} validated · ${percent(share)}`;
  }

  /** @param {boolean} fresh  another page than before */
  showPage(fresh) {
    const { queue, grid } = this.review;
    const shown = queue.visible;
    grid.show(shown, { fresh, number: queue.offset + 1, total: queue.total });
    this.#pageText(shown.length);
    this.#note(shown.length);
    this.showChosen();
    this.showScale();
    if (fresh) void this.#warm();
  }

  /** Fetches the first vignettes of the next page, so that it is there when it is turned to. */
  async #warm() {
    const page = await this.review.queue.ahead?.catch(() => null);
    for (const { image } of page?.objects.slice(0, WARM) ?? []) if (image) new Image().src = image;
  }

  /**
   * After an action or an undo.
   * @param {number} objects  how many more are done; negative for an undo
   */
  changed(objects) {
    this.showPage(false);
    this.stats = record(this.stats, objects, Date.now());
    sessionStorage.setItem(this.statsName, JSON.stringify(this.stats));
    this.showStats();
    cancelAnimationFrame(this.pending);
    this.pending = requestAnimationFrame(() => this.showCounts());
  }

  /** @param {number} shown */
  #pageText(shown) {
    const { queue } = this.review;
    byId("page-text").textContent = shown ? `${count(queue.offset + 1)}–${count(queue.offset + shown)} of ${count(queue.total)}` : "";
    for (const [command, possible] of [["previous-page", queue.hasPrevious], ["next-page", queue.hasNext]]) {
      /** @type {HTMLButtonElement} */ (document.querySelector(`.pager [data-command=${command}]`)).disabled = !possible;
    }
  }

  showChosen() {
    const { grid } = this.review;
    const chosen = grid.selected.size;
    byId("chosen").textContent = chosen ? `${count(chosen)} selected` : "At the cursor";
    byId("chosen").dataset.some = String(chosen > 0);
  }

  /** @param {number} shown */
  #note(shown) {
    const { queue, taxa } = this.review;
    const note = byId("stage-note");
    this.finished = shown === 0 && queue.total === 0 && queue.filter !== null;
    note.hidden = shown > 0;
    if (shown > 0) return;
    if (!this.finished) return fill(note, h("p", { class: "muted late" }, "The next page comes as soon as the shore answers."));
    const all = taxa.counts(null);
    fill(note, all.total === 0 ? welcome() : this.#done());
  }

  /** What to say when a filter leaves nothing. */
  #done() {
    const { filters, taxa } = this.review;
    const { filter } = filters;
    const next = taxa.mostWaiting(filter.taxon_id);
    const name = taxa.find(filter.taxon_id)?.display_name;
    const sorted = filter.status === "P" && filter.score_min === null && filter.score_max === null;
    const narrowed = filter.sample_id || filter.release || filter.free || filter.score_min !== null || filter.score_max !== null;
    const head = sorted && !narrowed ? `${name ?? "Everything"} is sorted` : "Nothing fits these filters";
    const text = next
      ? `${next.display_name} has ${plural(next.predicted, "object")} waiting.`
      : "Nothing predicted is waiting in this project.";
    return h(
      "div",
      { class: "empty" },
      h("img", { class: "empty-art", src: logo(), alt: "" }),
      h("h2", {}, head),
      h("p", { class: "muted" }, text),
      next && h("button", { type: "button", class: "primary", data: { command: "next-taxon" } }, `Sort ${next.display_name}`, h("kbd", {}, "Enter")),
    );
  }

  showStats() {
    const pace = perHour(this.stats);
    const line = byId("stats");
    if (!this.stats.done) fill(line);
    else fill(line, h("b", {}, count(this.stats.done)), " sorted", pace === null ? "" : [" · ", h("b", {}, count(pace)), " an hour"]);
  }

  /** @param {number} came  objects that arrived since the counts were loaded */
  showArrived(came) {
    byId("arrived").hidden = came <= 0;
    byId("arrived").textContent = came > 0 ? `${plural(came, "new object")} · show` : "";
  }

  showOutbox() {
    const { outbox } = this.review;
    const box = byId("outbox");
    const waiting = outbox.size;
    const cut = outbox.held !== null || !navigator.onLine;
    const state = waiting === 0 ? (navigator.onLine ? "saved" : "kept") : cut ? "kept" : "waiting";
    const words = {
      saved: "All saved",
      waiting: "Saving…",
      kept: waiting ? `${plural(waiting, "action")} kept here` : "Offline",
    }[state];
    if (box.textContent !== words) box.textContent = words;
    box.dataset.state = state;
    if (outbox.held === "login") this.#askLogin();
  }

  #askLogin() {
    if (document.getElementById("login-again")) return;
    const back = encodeURIComponent(location.pathname + location.search);
    byId("notices").append(
      h("div", { class: "notice", role: "alert", id: "login-again", data: { kind: "bad" } },
        h("span", { class: "notice-text" }, "Your session has ended. What you did is kept here and is sent when you log in again."),
        h("a", { class: "button", href: `/login?next=${back}` }, "Log in")),
    );
  }

  /** The scale bar of the shared scale. */
  showScale() {
    const { grid } = this.review;
    const bar = byId("scale-bar");
    const { scale } = grid;
    const known = grid.objects.some((/** @type {any} */ object) => object.pixel_um);
    bar.hidden = scale === null || !known || grid.objects.length === 0;
    if (bar.hidden || scale === null) return;
    const length = roundLength(110 / scale);
    bar.querySelector(".scale-rule").style.width = `${length * scale}px`;
    bar.querySelector(".scale-text").textContent = um(length);
  }

  /** Size and scale of the vignettes, kept in the browser. */
  #size() {
    const { grid } = this.review;
    const size = byId("size");
    const narrow = window.matchMedia("(max-width: 780px)").matches;
    size.value = localStorage.getItem("seadrift.size") ?? (narrow ? "108" : "132");
    const use = () => {
      grid.vignetteSize = Number(size.value);
      grid.trueScale = pressed("true-scale");
      grid.dataset.bright = byId("inspector").dataset.bright = String(pressed("brighten"));
      grid.relayout();
    };
    size.addEventListener("input", () => {
      localStorage.setItem("seadrift.size", size.value);
      use();
    });
    for (const [id, name, atFirst] of [["true-scale", "seadrift.scale", "false"], ["brighten", "seadrift.brighten", "true"]]) {
      byId(id).setAttribute("aria-pressed", localStorage.getItem(name) ?? atFirst);
      byId(id).addEventListener("click", () => {
        const now = String(!pressed(id));
        byId(id).setAttribute("aria-pressed", now);
        localStorage.setItem(name, now);
        use();
        grid.focus({ preventScroll: true });
      });
    }
    use();
  }

  /** On a narrow screen the taxa and the filters open over the grid. */
  #drawers() {
    for (const [button, panel] of [["open-taxa", "taxa-panel"], ["open-filters", "toolbar"]]) {
      byId(button).addEventListener("click", () => this.#drawer(button, panel, byId(panel).dataset.open !== "true"));
    }
    document.addEventListener("click", (event) => {
      const target = /** @type {Element} */ (event.target);
      const leaves = target.closest(".taxon") || !target.closest("#taxa-panel, #open-taxa");
      if (leaves) this.#drawer("open-taxa", "taxa-panel", false);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#drawer("open-taxa", "taxa-panel", false);
    });
  }

  /**
   * @param {string} button
   * @param {string} panel
   * @param {boolean} open
   */
  #drawer(button, panel, open) {
    byId(panel).dataset.open = String(open);
    byId(button).setAttribute("aria-expanded", String(open));
  }
}

/** @param {string} id of a button that stays down */
const pressed = (id) => byId(id).getAttribute("aria-pressed") === "true";

/** @returns {string} the address of the logo, which this module lies beside */
const logo = () => new URL("../logo.svg", import.meta.url).pathname;

function welcome() {
  return h(
    "div",
    { class: "empty" },
    h("img", { class: "empty-art", src: logo(), alt: "" }),
    h("h2", {}, "The water is still clear"),
    h("p", { class: "muted" }, "No object has arrived in this project yet. Enrol a device, let it look at the sea, and its objects surface here by themselves."),
    h("a", { class: "button primary", href: "/devices" }, "Enrol a device"),
  );
}

/** @param {string} name */
function readStats(name) {
  try {
    return { ...EMPTY, ...JSON.parse(sessionStorage.getItem(name) ?? "{}") };
  } catch {
    return EMPTY;
  }
}
