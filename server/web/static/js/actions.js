/**
 * What an action makes of an object, on the page before the shore answers. Pure.
 *
 * Invariant: `applied` says exactly what `server/db` will do, so that nothing flickers when the
 * answer comes: validate keeps the taxon, relabel sets it and validates, reset returns to the
 * latest prediction.
 *
 * @example applied({...object, status: "P"}, "validate", null, find).status === "V"
 */

/** @typedef {import("./types.js").SeaObject} SeaObject */
/** @typedef {import("./types.js").Snapshot} Snapshot */
/** @typedef {import("./types.js").Verb} Verb */
/** @typedef {import("./types.js").Taxon} Taxon */

/** @type {Record<Verb, {done: string, button: string}>} */
export const VERBS = {
  validate: { done: "Validated", button: "Validate" },
  relabel: { done: "Relabelled", button: "Relabel" },
  dubious: { done: "Marked dubious", button: "Dubious" },
  discard: { done: "Discarded", button: "Discard" },
  reset: { done: "Reset", button: "Reset" },
};

/**
 * @param {SeaObject} object
 * @returns {Snapshot}
 */
export function snapshot({ objid, status, taxon_id, taxon }) {
  return { objid, status, taxon_id, taxon };
}

/**
 * Whether the action means anything for this object.
 * @param {SeaObject} object
 * @param {Verb} verb
 */
export function possible(object, verb) {
  if (verb === "validate") return object.taxon_id !== null && object.status !== "V";
  return true;
}

/**
 * @param {SeaObject} object
 * @param {Verb} verb
 * @param {Taxon|null} taxon            for relabel
 * @param {(name: string) => Taxon|undefined} byName
 * @returns {Snapshot}
 */
export function applied(object, verb, taxon, byName) {
  const before = snapshot(object);
  if (verb === "validate") return { ...before, status: "V" };
  if (verb === "dubious") return { ...before, status: "D" };
  if (verb === "discard") return { ...before, status: "X" };
  if (verb === "relabel" && taxon) {
    return { ...before, status: "V", taxon_id: taxon.taxon_id, taxon: taxon.display_name };
  }
  if (!object.predicted_taxon) return { ...before, status: "U", taxon_id: null, taxon: null };
  const taxonId = byName(object.predicted_taxon)?.taxon_id ?? object.taxon_id;
  return { ...before, status: "P", taxon_id: taxonId, taxon: object.predicted_taxon };
}
