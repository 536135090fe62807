/** How a device's state is called; the shore decides which it is (`server/fleet/attention.py`). */

/** @type {Record<string, string>} */
export const LEVEL_WORDS = {
  well: "well",
  late: "quiet",
  silent: "silent",
  new: "never seen",
  trouble: "needs a look",
  revoked: "revoked",
};

/** From this weight on a need is shown as trouble. */
const TROUBLE = 50;

/** The colour key of one need. @param {{weight: number}} need */
export const tone = (need) => (need.weight >= TROUBLE ? "trouble" : need.weight >= 30 ? "late" : "silent");
