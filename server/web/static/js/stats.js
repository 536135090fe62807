/**
 * How much a person sorted in this session, and how fast. Pure, but for the storage handed in.
 *
 * Time counts only while the person works: a pause longer than a minute adds nothing.
 *
 * @example record(EMPTY, 40, 5000) // {done: 40, activeMs: 0, lastMs: 5000}
 */

/** @typedef {{done: number, activeMs: number, lastMs: number|null}} Stats */

/** @type {Stats} */
export const EMPTY = { done: 0, activeMs: 0, lastMs: null };

export const PAUSE_MS = 60_000;

/**
 * @param {Stats} stats
 * @param {number} objects  negative for an undo
 * @param {number} nowMs
 * @returns {Stats}
 */
export function record(stats, objects, nowMs) {
  const gap = stats.lastMs === null ? 0 : nowMs - stats.lastMs;
  const worked = gap > 0 && gap <= PAUSE_MS ? gap : 0;
  return {
    done: Math.max(0, stats.done + objects),
    activeMs: stats.activeMs + worked,
    lastMs: nowMs,
  };
}

/**
 * Objects per hour of work; null until there is enough to say (20 s).
 * @param {Stats} stats
 */
export function perHour(stats) {
  return stats.activeMs < 20_000 ? null : Math.round((stats.done / stats.activeMs) * 3_600_000);
}
