/**
 * The shapes that the shore's API gives, for the type checker and the reader; no code.
 * The invariant: what is named here is named so in `server/api/`.
 *
 * @typedef {"P"|"V"|"D"|"X"|"U"} Status
 *
 * @typedef {Object} SeaObject
 * @property {number} objid
 * @property {string} orig_id
 * @property {number|null} taxon_id
 * @property {string|null} taxon
 * @property {Status} status
 * @property {number|null} score
 * @property {string|null} release
 * @property {number|null} width
 * @property {number|null} height
 * @property {number|null} esd_um
 * @property {number|null} depth_m
 * @property {number|null} lat_deg
 * @property {number|null} lon_deg
 * @property {number|null} utc_ms
 * @property {string|null} sample
 * @property {string|null} device  its name
 * @property {string} device_id
 * @property {"exact"|"brief"|null} [precision]  brief: short values, until the exact ones come
 * @property {"frame"|"device"|"filled"|"unknown"} [utc_source]
 * @property {string|null} predicted_taxon  display name
 * @property {string|null} image
 * @property {number|null} [pixel_um]
 * @property {string|null} [optical_field]
 * @property {Array<[string, number]>} top
 * @property {Array<[string, number|string|null]>} [free]  the free columns that the project shows
 *
 * @typedef {Object} Taxon
 * @property {number} taxon_id  0 in counts: without a taxon
 * @property {string} name
 * @property {string} display_name
 * @property {string} [path]
 * @property {number} [uses]
 * @property {string|null} [synonym]  the other name by which it was found
 * @property {boolean} [listed]  in the project's own list
 *
 * @typedef {Taxon & {total: number, predicted: number, validated: number, dubious: number,
 *   discarded: number, unclassified: number}} TaxonCount
 *
 * @typedef {Object} Filter
 * @property {number|null} taxon_id  0: objects without a taxon; null: all
 * @property {Status|null} status
 * @property {number|null} score_min  0 to 1
 * @property {number|null} score_max  0 to 1
 * @property {string|null} sample_id
 * @property {string|null} release
 * @property {string|null} free  a free column
 * @property {number|null} free_min
 * @property {number|null} free_max
 * @property {string|null} free_text
 * @property {string} sort  may be "free." and a free column
 *
 * @typedef {"validate"|"dubious"|"discard"|"relabel"|"reset"} Verb
 *
 * @typedef {Object} Snapshot  What an object was before an action.
 * @property {number} objid
 * @property {Status} status
 * @property {number|null} taxon_id
 * @property {string|null} taxon
 */
export {};
