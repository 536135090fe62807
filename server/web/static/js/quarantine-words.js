/** How the quarantine's codes and states are called. Pure. */

/** @type {Record<string, string>} */
export const CODE_WORDS = {
  schema: "wrong field",
  too_big: "too big",
  hash_conflict: "cloned card",
  revoked: "revoked device",
  newer: "newer device",
};

/** What each code means for the person who decides. @type {Record<string, string>} */
export const CODE_MEANS = {
  schema: "A field is not what a record may hold. Repair it, or take it in once the shore is mended.",
  too_big: "The record is larger than a record may be. Drop what makes it so.",
  hash_conflict: "Other bytes came under this name before: a memory card was cloned or restored. Taken in, it gets a name of its own; the first bytes stay as they are.",
  revoked: "A whole batch of a revoked device. Take it in only if you trust where it comes from.",
  newer: "The record was taken, without a field that this shore has no place for. Take it in again once the shore knows the field.",
};

/** @type {Record<string, string>} */
export const STATE_WORDS = { waiting: "waiting", repaired: "repaired", replayed: "taken in", discarded: "discarded" };

/** A device's colour key for each state (see pages.css). @type {Record<string, string>} */
export const STATE_TONE = { waiting: "trouble", repaired: "late", replayed: "well", discarded: "silent" };

/** @type {Record<string, string>} */
export const EVENT_WORDS = { repair: "Repaired", replay: "Taken in", discard: "Discarded" };
