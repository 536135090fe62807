/**
 * The rubber band of the grid: drag a rectangle with mouse or pen, and what it touches is selected
 * besides what was. A finger scrolls instead. Near the edges the grid scrolls along.
 */

import { h } from "./dom.js";

const STEADY_PX = 6;
const EDGE_PX = 36;

export class Rubber {
  /**
   * @param {import("./grid.js").Grid} grid
   * @param {HTMLElement} space
   */
  constructor(grid, space) {
    this.grid = grid;
    this.space = space;
    this.band = h("div", { class: "rubber", hidden: true });
    space.append(this.band);
    /** @type {{x: number, y: number, kept: Set<number>}|null} */
    this.start = null;
    this.justDragged = false;
    this.pointer = { x: 0, y: 0 };
    this.frame = 0;
    grid.addEventListener("pointerdown", (event) => this.#down(event));
    grid.addEventListener("pointermove", (event) => this.#move(event));
    grid.addEventListener("pointerup", () => this.#up());
    grid.addEventListener("pointercancel", () => this.#up());
  }

  /** @param {{clientX: number, clientY: number}} event */
  #inSpace(event) {
    const box = this.grid.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top + this.grid.scrollTop };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    this.justDragged = false;
    const onScrollbar = event.offsetX > this.grid.clientWidth && event.target === this.grid;
    if (event.button !== 0 || event.pointerType === "touch" || event.shiftKey || onScrollbar) return;
    this.start = { ...this.#inSpace(event), kept: new Set(this.grid.selected) };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.start) return;
    this.pointer = { x: event.clientX, y: event.clientY };
    const here = this.#inSpace(event);
    if (this.band.hidden) {
      if (Math.hypot(here.x - this.start.x, here.y - this.start.y) < STEADY_PX) return;
      this.band.hidden = false;
      this.space.append(this.band);
      this.grid.setPointerCapture(event.pointerId);
      this.#follow();
    }
    this.#stretch(here);
  }

  /** @param {{x: number, y: number}} here */
  #stretch(here) {
    if (!this.start) return;
    const left = Math.min(here.x, this.start.x);
    const top = Math.min(here.y, this.start.y);
    const right = Math.max(here.x, this.start.x);
    const bottom = Math.max(here.y, this.start.y);
    const style = this.band.style;
    style.transform = `translate(${left}px, ${top}px)`;
    style.width = `${right - left}px`;
    style.height = `${bottom - top}px`;
    this.grid.selectIn({ left, top, right, bottom }, this.start.kept);
  }

  /** Scrolls while the pointer rests near an edge. */
  #follow() {
    if (!this.start || this.band.hidden) return;
    const box = this.grid.getBoundingClientRect();
    const above = box.top + EDGE_PX - this.pointer.y;
    const below = this.pointer.y - (box.bottom - EDGE_PX);
    const step = Math.max(0, below) - Math.max(0, above);
    if (step) {
      this.grid.scrollTop += step / 3;
      this.#stretch(this.#inSpace({ clientX: this.pointer.x, clientY: this.pointer.y }));
    }
    this.frame = requestAnimationFrame(() => this.#follow());
  }

  #up() {
    cancelAnimationFrame(this.frame);
    this.justDragged = !this.band.hidden;
    this.band.hidden = true;
    this.start = null;
  }
}
