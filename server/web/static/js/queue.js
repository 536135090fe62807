/**
 * The page of objects being sorted, and the pages before and after it. No elements here.
 *
 * Invariant: `objects` holds every object of the page in the order of the shore, sorted out or not;
 * `visible` those that still fit the filter. So an undo brings an object back to its own place, and
 * the offset of the next page is this page's offset plus what is still visible of it: what left the
 * filter left it on the shore too.
 *
 * @example
 *   await queue.load(filter); queue.visible; await queue.next();
 */

/** @typedef {import("./types.js").SeaObject} SeaObject */
/** @typedef {import("./types.js").Filter} Filter */

/**
 * @param {SeaObject} object
 * @param {Filter} filter
 */
export function fits(object, filter) {
  if (filter.status && object.status !== filter.status) return false;
  if (filter.taxon_id !== null && (object.taxon_id ?? 0) !== filter.taxon_id) return false;
  return true;
}

export class Queue {
  /**
   * @param {(filter: Filter, offset: number, limit: number) => Promise<{total: number, objects: SeaObject[]}>} fetchPage
   * @param {() => Promise<boolean>} settled  resolves once the shore holds every action (true) or
   *   cannot be told (false)
   * @param {number} pageSize
   */
  constructor(fetchPage, settled, pageSize) {
    this.fetchPage = fetchPage;
    this.settled = settled;
    this.pageSize = pageSize;
    /** @type {Filter|null} */
    this.filter = null;
    /** @type {SeaObject[]} */
    this.objects = [];
    this.offset = 0;
    /** Whether the page was asked for while the shore did not know all that was done. */
    this.early = false;
    /** What the shore counted when this page was loaded. */
    this.counted = 0;
    /** @type {Promise<{total: number, objects: SeaObject[]}|null>|null} */
    this.ahead = null;
    this.turn = 0;
  }

  get visible() {
    const { filter } = this;
    return filter ? this.objects.filter((object) => fits(object, filter)) : [];
  }

  /** How many objects fit the filter now, on this page and off it. */
  get total() {
    return this.counted - (this.objects.length - this.visible.length);
  }

  /** Whether the shore has objects after this page. */
  get hasNext() {
    return this.offset + this.objects.length < this.counted;
  }

  get hasPrevious() {
    return this.offset > 0;
  }

  /** @param {number} objid */
  find(objid) {
    return this.objects.find((object) => object.objid === objid);
  }

  /**
   * @param {Filter} filter
   * @param {number} [offset]
   * @returns {Promise<boolean>} false when a newer load overtook this one
   */
  async load(filter, offset = 0) {
    const turn = (this.turn += 1);
    const known = await this.settled();
    const page = await this.fetchPage(filter, offset, this.pageSize);
    if (turn !== this.turn) return false;
    this.early = !known;
    this.filter = filter;
    this.#take(page, offset);
    return true;
  }

  /** Turns to the next page, which was usually fetched already. */
  async next() {
    const { filter } = this;
    if (!filter) return false;
    const turn = (this.turn += 1);
    const known = new Set(this.objects.map((object) => object.objid));
    const unknown = (/** @type {SeaObject} */ object) => !known.has(object.objid);
    const { total } = this;
    const offset = this.offset + this.visible.length;
    let page = this.ahead ? await this.ahead.catch(() => null) : null;
    if (!page?.objects.some(unknown)) {
      if (!(await this.settled())) this.early = true;
      page = await this.fetchPage(filter, offset, this.pageSize);
    }
    if (turn !== this.turn) return false;
    this.#take({ total, objects: page.objects.filter(unknown) }, offset);
    return true;
  }

  async previous() {
    return this.filter ? this.load(this.filter, Math.max(0, this.offset - this.pageSize)) : false;
  }

  /**
   * Puts back objects that an undo returned: those of another page go to the top of this one.
   * @param {SeaObject[]} objects
   */
  bringBack(objects) {
    const missing = objects.filter((object) => !this.find(object.objid));
    this.objects = [...missing, ...this.objects];
    this.counted += missing.length;
  }

  /**
   * @param {{total: number, objects: SeaObject[]}} page
   * @param {number} offset
   */
  #take(page, offset) {
    this.objects = page.objects;
    this.offset = offset;
    this.counted = page.total;
    this.ahead = this.hasNext ? this.#prefetch(this.filter) : null;
  }

  /**
   * Fetches the next page quietly; a failure only means that it is fetched when it is turned to.
   * @param {Filter|null} filter
   */
  async #prefetch(filter) {
    const { turn } = this;
    if (!(await this.settled())) return null;
    if (turn !== this.turn || !filter) return null;
    return this.fetchPage(filter, this.offset + this.visible.length, this.pageSize).catch(() => null);
  }
}
