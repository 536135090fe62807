/**
 * The grid of vignettes, `<sd-grid>`: thousands of objects, a few dozen elements.
 *
 * Invariant: a cell's place follows from its index alone (layout.js), the selection is a Set of
 * ids, and one listener on the element serves all cells. Objects that leave fade, the rest flow to
 * their new places; nothing else of the page moves.
 *
 * Events: `cursor` (detail: object or null), `selection` (detail: size), `open` (detail: objid).
 *
 * @example
 *   grid.show(objects); grid.move("right"); grid.targets() // ids to act on
 */

import { cellsIn, cellAt, planGrid, sharedScale, spaceHeight, visibleRange } from "./layout.js";
import { fillCell, makeCell } from "./cell.js";
import { h } from "./dom.js";
import { Rubber } from "./rubber.js";

/** @typedef {import("./types.js").SeaObject} SeaObject */

export class Grid extends HTMLElement {
  constructor() {
    super();
    /** @type {SeaObject[]} */
    this.objects = [];
    /** @type {Map<number, number>} index of each objid */
    this.places = new Map();
    /** @type {Map<number, HTMLElement>} cells in the document */
    this.cells = new Map();
    /** @type {HTMLElement[]} cells to use again */
    this.spare = [];
    /** @type {Set<number>} */
    this.selected = new Set();
    this.cursor = 0;
    this.anchor = 0;
    this.vignetteSize = 128;
    this.trueScale = false;
    /** How many free columns are shown below each vignette. */
    this.lines = 0;
    this.plan = planGrid(800, this.vignetteSize);
    this.first = 1;
    this.total = 0;
    this.space = h("div", { class: "grid-space", role: "presentation" });
    this.frame = 0;
    this.flowTimer = 0;
  }

  connectedCallback() {
    this.append(this.space);
    this.rubber = new Rubber(this, this.space);
    this.addEventListener("scroll", () => this.#soon(), { passive: true });
    this.addEventListener("click", (event) => this.#clicked(event));
    this.addEventListener("dblclick", (event) => this.#opened(event));
    new ResizeObserver(() => this.relayout()).observe(this);
  }

  /** µm shown by one px, or null when vignettes fit their wells. */
  get scale() {
    if (!this.trueScale) return null;
    const sizes = this.objects
      .filter((o) => o.width && o.height)
      .map((o) => Math.max(o.width ?? 1, o.height ?? 1) * (o.pixel_um ?? 1));
    return sharedScale(sizes, Math.min(this.plan.cellWidth, this.plan.wellHeight) - 8);
  }

  /** @returns {SeaObject|null} */
  get current() {
    return this.objects[this.cursor] ?? null;
  }

  /**
   * Shows these objects. Those that were shown before keep their cells and flow to their places.
   * @param {SeaObject[]} objects
   * @param {{fresh?: boolean, number?: number, total?: number}} [options] fresh: another page, start at its top;
   *   number: 1-based place of the first one in the whole queue; total: how many that has
   */
  show(objects, { fresh = false, number, total = objects.length } = {}) {
    this.total = total;
    this.objects = objects;
    this.places = new Map(objects.map((object, index) => [object.objid, index]));
    if (number !== undefined) this.first = number;
    for (const id of [...this.selected]) if (!this.places.has(id)) this.selected.delete(id);
    if (fresh) {
      for (const [id, cell] of this.cells) this.#drop(id, cell);
      this.selected.clear();
      this.cursor = 0;
      this.anchor = 0;
      this.scrollTop = 0;
    } else {
      this.#flow();
    }
    this.cursor = Math.max(0, Math.min(this.cursor, objects.length - 1));
    this.anchor = Math.min(this.anchor, this.cursor);
    this.#render(true);
    this.#tellCursor();
    this.#tellSelection();
  }

  /** Draws all visible cells again, after a change of size or scale. */
  relayout() {
    if (this.clientWidth === 0) return;
    this.plan = planGrid(this.clientWidth, this.vignetteSize, this.lines);
    const style = this.space.style;
    style.setProperty("--cell-width", `${this.plan.cellWidth}px`);
    style.setProperty("--cell-height", `${this.plan.cellHeight}px`);
    style.setProperty("--well-height", `${this.plan.wellHeight}px`);
    this.#render(true);
    this.dispatchEvent(new CustomEvent("layout"));
  }

  /** The ids to act on: the selection, or else the object at the cursor. */
  targets() {
    if (this.selected.size) return this.objects.filter((o) => this.selected.has(o.objid)).map((o) => o.objid);
    return this.current ? [this.current.objid] : [];
  }

  /**
   * @param {"left"|"right"|"up"|"down"|"first"|"last"} way
   * @param {boolean} [extend] select everything from where the movement began
   */
  move(way, extend = false) {
    if (!this.objects.length) return;
    const last = this.objects.length - 1;
    const { columns } = this.plan;
    const to = {
      left: this.cursor - 1,
      right: this.cursor + 1,
      up: this.cursor - columns,
      down: this.cursor + columns,
      first: 0,
      last,
    }[way];
    if (way === "up" && to < 0) return;
    if (way === "down" && to > last && Math.floor(this.cursor / columns) === Math.floor(last / columns)) return;
    this.#setCursor(Math.max(0, Math.min(last, to)), !extend);
    if (extend) this.#selectRange(this.anchor, this.cursor);
  }

  toggle(index = this.cursor) {
    const object = this.objects[index];
    if (!object) return;
    if (!this.selected.delete(object.objid)) this.selected.add(object.objid);
    this.#mark(object.objid);
    this.#tellSelection();
  }

  selectAll() {
    this.#select(this.objects.map((object) => object.objid));
  }

  clear() {
    this.#select([]);
  }

  /** @param {number} index */
  goTo(index) {
    this.#setCursor(Math.max(0, Math.min(this.objects.length - 1, index)), true);
  }

  /** @param {Iterable<number>} ids */
  #select(ids) {
    const before = this.selected;
    this.selected = new Set(ids);
    for (const id of this.cells.keys()) {
      if (before.has(id) !== this.selected.has(id)) this.#mark(id);
    }
    this.#tellSelection();
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  #selectRange(from, to) {
    const [low, high] = from < to ? [from, to] : [to, from];
    this.#select(this.objects.slice(low, high + 1).map((object) => object.objid));
  }

  /**
   * Called by the rubber band: selects what the rectangle touches besides `kept`.
   * @param {{left: number, top: number, right: number, bottom: number}} rect
   * @param {Set<number>} kept
   */
  selectIn(rect, kept) {
    const hit = cellsIn(this.plan, this.objects.length, rect).map((index) => this.objects[index].objid);
    this.#select([...kept, ...hit]);
  }

  /**
   * @param {number} index
   * @param {boolean} anchors
   */
  #setCursor(index, anchors) {
    const before = this.current;
    this.cursor = index;
    if (anchors) this.anchor = index;
    this.#reveal(index);
    if (before) this.#mark(before.objid);
    if (this.current) this.#mark(this.current.objid);
    this.#tellCursor();
  }

  /** @param {number} index */
  #reveal(index) {
    const { y } = cellAt(this.plan, index);
    const margin = 14;
    if (y - margin < this.scrollTop) this.scrollTop = y - margin;
    else if (y + this.plan.cellHeight + margin > this.scrollTop + this.clientHeight) {
      this.scrollTop = y + this.plan.cellHeight + margin - this.clientHeight;
    }
    this.#render(false);
  }

  #soon() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#render(false));
  }

  /** Lets cells glide to new places for the time of one flow. */
  #flow() {
    this.dataset.flow = "true";
    clearTimeout(this.flowTimer);
    this.flowTimer = setTimeout(() => delete this.dataset.flow, 260);
  }

  /** @param {boolean} refill also fill the cells that are there already */
  #render(refill) {
    const { plan, objects } = this;
    this.space.style.height = `${spaceHeight(plan, objects.length)}px`;
    const [from, to] = visibleRange(plan, objects.length, this.scrollTop, this.clientHeight || 600);
    const wanted = new Set();
    for (let i = from; i < to; i += 1) wanted.add(objects[i].objid);
    for (const [id, cell] of this.cells) if (!wanted.has(id)) this.#drop(id, cell);
    const scale = this.scale;
    const well = { scale, width: plan.cellWidth, height: plan.wellHeight };
    /** @type {Element|null} */
    let before = null;
    for (let i = from; i < to; i += 1) before = this.#place(objects[i], i, well, { refill, before });
  }

  /**
   * @param {SeaObject} object
   * @param {number} index
   * @param {import("./cell.js").Well} well
   * @param {{refill: boolean, before: Element|null}} how  before: the cell of the object before it, so
   *   that the order of the elements is the order that is read aloud
   * @returns {Element} its cell
   */
  #place(object, index, well, { refill, before }) {
    let cell = this.cells.get(object.objid);
    const made = !cell;
    if (!cell) {
      cell = this.spare.pop() ?? makeCell();
      this.cells.set(object.objid, cell);
    }
    const { x, y } = cellAt(this.plan, index);
    if (made || refill) fillCell(cell, object, well);
    cell.style.transform = `translate(${x}px, ${y}px)`;
    cell.setAttribute("aria-posinset", String(this.first + index));
    cell.setAttribute("aria-setsize", String(this.total));
    this.#mark(object.objid);
    if (!made) return cell;
    cell.classList.toggle("entering", this.dataset.flow === "true");
    if (before) before.after(cell);
    else this.space.prepend(cell);
    return cell;
  }

  /**
   * Takes a cell out: at once when it scrolled away, by a fade when its object left the queue.
   * @param {number} id
   * @param {HTMLElement} cell
   */
  #drop(id, cell) {
    this.cells.delete(id);
    if (this.places.has(id) || this.dataset.flow !== "true") {
      cell.remove();
      this.spare.push(cell);
      return;
    }
    cell.classList.remove("cursor", "entering");
    cell.classList.add("leaving");
    cell.removeAttribute("id");
    cell.setAttribute("aria-hidden", "true");
    setTimeout(() => cell.remove(), 170);
  }

  /** @param {number} id */
  #mark(id) {
    const cell = this.cells.get(id);
    if (!cell) return;
    const here = this.current?.objid === id;
    cell.setAttribute("aria-selected", String(this.selected.has(id)));
    cell.classList.toggle("cursor", here);
    if (here) this.setAttribute("aria-activedescendant", cell.id);
  }

  #tellCursor() {
    if (!this.current) this.removeAttribute("aria-activedescendant");
    this.dispatchEvent(new CustomEvent("cursor", { detail: this.current }));
  }

  #tellSelection() {
    this.dispatchEvent(new CustomEvent("selection", { detail: this.selected.size }));
  }

  /** @param {Event} event */
  #indexOf(event) {
    const cell = /** @type {HTMLElement|null} */ (/** @type {Element} */ (event.target).closest(".cell"));
    return cell ? this.places.get(Number(cell.dataset.objid)) : undefined;
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    if (this.rubber?.justDragged) return;
    const index = this.#indexOf(event);
    if (index === undefined) return;
    if (event.shiftKey) {
      const anchor = this.anchor;
      this.#setCursor(index, false);
      this.#selectRange(anchor, index);
    } else {
      this.#setCursor(index, true);
      this.toggle(index);
    }
  }

  /** @param {MouseEvent} event */
  #opened(event) {
    const index = this.#indexOf(event);
    if (index !== undefined) this.dispatchEvent(new CustomEvent("open", { detail: this.objects[index].objid }));
  }
}

customElements.define("sd-grid", Grid);
