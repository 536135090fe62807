/**
 * Numbers, times and places as a scientist reads them. Pure.
 *
 * @example um(1234.5) === "1.23 mm"
 */

const WHOLE = new Intl.NumberFormat("en-GB");

/** @param {number} value */
export const count = (value) => WHOLE.format(value);

/**
 * @param {number} n
 * @param {string} one
 * @param {string} [many]
 */
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** @param {number|null|undefined} share 0 to 1 */
export const percent = (share) =>
  share === null || share === undefined ? "–" : `${Math.floor(share * 100 + 1e-9)} %`;

/** @param {number|null|undefined} value µm */
export function um(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1000) return `${(value / 1000).toPrecision(3)} mm`;
  return `${value >= 100 ? Math.round(value) : value.toPrecision(3)} µm`;
}

/** @param {number|null|undefined} value */
export function figure(value) {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return count(value);
  const size = Math.abs(value);
  if (size >= 10000) return count(Math.round(value));
  if (size < 0.001) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** A free column's value. @param {number|string|null} value */
export const freeValue = (value) => (value === null || value === "" ? "–" : typeof value === "number" ? figure(value) : value);

/** @param {number|null|undefined} utcMs */
export function when(utcMs) {
  if (utcMs === null || utcMs === undefined) return "time unknown";
  return `${new Date(utcMs).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/**
 * @param {number|null|undefined} utcMs
 * @param {number} nowMs
 */
export function ago(utcMs, nowMs) {
  if (utcMs === null || utcMs === undefined) return "never";
  const seconds = Math.max(0, Math.round((nowMs - utcMs) / 1000));
  if (seconds < 10) return "just now";
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

/**
 * @param {number|null|undefined} latDeg
 * @param {number|null|undefined} lonDeg
 */
export function place(latDeg, lonDeg) {
  if (latDeg === null || latDeg === undefined || lonDeg === null || lonDeg === undefined) return "–";
  const north = `${Math.abs(latDeg).toFixed(4)}° ${latDeg < 0 ? "S" : "N"}`;
  return `${north}, ${Math.abs(lonDeg).toFixed(4)}° ${lonDeg < 0 ? "W" : "E"}`;
}

/**
 * A round length for a scale bar: 1, 2 or 5 times a power of ten, at most `maxUm`.
 * @param {number} maxUm
 */
export function roundLength(maxUm) {
  const power = 10 ** Math.floor(Math.log10(maxUm));
  const step = [5, 2, 1].find((factor) => factor * power <= maxUm) ?? 1;
  return step * power;
}

/** @type {Record<string, {word: string, glyph: string, key: string}>} */
export const STATUS = {
  P: { word: "Predicted", glyph: "○", key: "predicted" },
  V: { word: "Validated", glyph: "✓", key: "validated" },
  D: { word: "Dubious", glyph: "?", key: "dubious" },
  X: { word: "Discarded", glyph: "×", key: "discarded" },
  U: { word: "Unclassified", glyph: "–", key: "unclassified" },
};

/** @param {string|null|undefined} id a release's id, shortened for people */
export const shortId = (id) => (id ? id.slice(0, 8) : "–");
