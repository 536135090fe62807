/**
 * One word for how a device is, from what the shore knows of it. Pure.
 *
 * @example health({status: "active", last_seen_ms: now - 5000, gaps: 0}, now) === "well"
 */

const LATE_MS = 15 * 60_000;
const SILENT_MS = 24 * 3_600_000;

/** @type {Record<string, string>} */
export const HEALTH_WORDS = {
  well: "well",
  late: "quiet",
  silent: "silent",
  new: "never seen",
  trouble: "needs a look",
  revoked: "revoked",
};

/**
 * @param {any} device
 * @param {number} nowMs
 * @returns {"well"|"late"|"silent"|"new"|"trouble"|"revoked"}
 */
export function health(device, nowMs) {
  if (device.status === "revoked") return "revoked";
  const state = device.deployment?.state;
  if (gapCount(device) > 0 || state === "refused" || state === "rolled_back") return "trouble";
  if (!device.last_seen_ms) return "new";
  const silence = nowMs - device.last_seen_ms;
  if (silence > SILENT_MS) return "silent";
  return silence > LATE_MS ? "late" : "well";
}

/** @param {any} device */
export function gapCount(device) {
  return Array.isArray(device.gaps) ? device.gaps.length : (device.gaps ?? 0);
}
