/**
 * Where each cell of the grid is, by arithmetic alone. Pure: no element is measured, so ten thousand
 * objects cost as much as ten.
 *
 * @example
 *   const plan = planGrid(900, 128);
 *   cellAt(plan, 7)       // {x, y} of the eighth cell
 *   visibleRange(plan, 200, 0, 600)
 */

export const GAP = 8;
export const PAD = 12;
/** Height of the score bar and the line of text below a vignette. */
export const FOOT = 29;
/** Height of each line of a free column below that. */
export const LINE = 16;

/**
 * @typedef {Object} Plan
 * @property {number} columns
 * @property {number} cellWidth
 * @property {number} cellHeight
 * @property {number} wellHeight
 */

/**
 * @param {number} width  inner width of the grid in px
 * @param {number} size   wanted size of a vignette in px
 * @param {number} [lines] how many free columns are shown below each
 * @returns {Plan}
 */
export function planGrid(width, size, lines = 0) {
  const room = Math.max(width - 2 * PAD, 1);
  const columns = Math.max(1, Math.floor((room + GAP) / (size + GAP)));
  const cellWidth = Math.floor((room - GAP * (columns - 1)) / columns);
  return { columns, cellWidth, cellHeight: size + FOOT + lines * LINE + (lines ? 4 : 0), wellHeight: size };
}

/**
 * @param {Plan} plan
 * @param {number} index
 */
export function cellAt(plan, index) {
  const row = Math.floor(index / plan.columns);
  const column = index % plan.columns;
  return { x: PAD + column * (plan.cellWidth + GAP), y: PAD + row * (plan.cellHeight + GAP) };
}

/**
 * Height of all cells.
 * @param {Plan} plan
 * @param {number} total
 */
export function spaceHeight(plan, total) {
  const rows = Math.ceil(total / plan.columns);
  return rows === 0 ? 0 : 2 * PAD + rows * (plan.cellHeight + GAP) - GAP;
}

/**
 * Indices [first, end) of the cells in view, with two rows to spare on both sides.
 * @param {Plan} plan
 * @param {number} total
 * @param {number} top
 * @param {number} height
 * @returns {[number, number]}
 */
export function visibleRange(plan, total, top, height) {
  const pitch = plan.cellHeight + GAP;
  const first = Math.max(0, Math.floor((top - PAD) / pitch) - 2);
  const last = Math.ceil((top + height - PAD) / pitch) + 2;
  return [Math.min(total, first * plan.columns), Math.min(total, Math.max(0, last) * plan.columns)];
}

/**
 * Indices of the cells that a rectangle touches.
 * @param {Plan} plan
 * @param {number} total
 * @param {{left: number, top: number, right: number, bottom: number}} rect
 * @returns {number[]}
 */
export function cellsIn(plan, total, rect) {
  const across = plan.cellWidth + GAP;
  const down = plan.cellHeight + GAP;
  const columnFrom = Math.max(0, Math.ceil((rect.left - PAD - plan.cellWidth) / across));
  const columnTo = Math.min(plan.columns - 1, Math.floor((rect.right - PAD) / across));
  const rowFrom = Math.max(0, Math.ceil((rect.top - PAD - plan.cellHeight) / down));
  const rowTo = Math.floor((rect.bottom - PAD) / down);
  const hit = [];
  for (let row = rowFrom; row <= rowTo; row += 1) {
    for (let column = columnFrom; column <= columnTo; column += 1) {
      const index = row * plan.columns + column;
      if (index < total) hit.push(index);
    }
  }
  return hit;
}

/**
 * Displayed px per vignette px when all share one scale: the 90th percentile of the page fits its
 * well, and nothing is enlarged more than fourfold. Objects too big for that are shrunk and say so.
 * @param {number[]} sizes  larger side of each vignette, in units of the finest pixel
 * @param {number} room     px
 */
export function sharedScale(sizes, room) {
  if (sizes.length === 0) return 1;
  const sorted = [...sizes].sort((a, b) => a - b);
  const typical = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.9))];
  return Math.min(4, room / Math.max(typical, 1));
}
