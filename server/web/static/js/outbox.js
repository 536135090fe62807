/**
 * What the person did and the shore does not yet hold, kept in the browser's storage.
 *
 * Invariant: an entry is stored before the page shows its effect, and leaves only when the shore
 * has answered. Each carries a key drawn once, so sending it twice counts once: a reload, a dead
 * link or a lost answer loses nothing and doubles nothing. Entries go in order, one at a time, from
 * one tab at a time (Web Locks, where the browser has them).
 *
 * Events: `change`; `sent` (detail: {entry, answer}); `refused` (detail: {entry, error}).
 *
 * @example
 *   const outbox = new Outbox(localStorage, "seadrift.outbox.me@sea.3", send);
 *   outbox.add({op: "classify", body: {action: "validate", objids: [4], key}});
 */

/**
 * @typedef {Object} Entry
 * @property {string} key
 * @property {"classify"|"undo"|"redo"} op
 * @property {any} body
 * @property {number} [expect]   how many objects an undo or redo should change
 * @property {number} tries      how often it was sent; 0: surely not arrived
 * @property {number} order
 */

/** How long to wait after the n-th failure, in ms. */
const WAITS_MS = [500, 1000, 2000, 4000, 8000, 15000];

export class Outbox extends EventTarget {
  /**
   * @param {Storage} storage
   * @param {string} name     prefix of this person's entries of this project
   * @param {(entry: Entry) => Promise<any>} send  throws {passing: boolean, status: number}
   */
  constructor(storage, name, send) {
    super();
    this.storage = storage;
    this.name = name;
    this.send = send;
    this.failures = 0;
    this.timer = 0;
    this.busy = false;
    /** @type {string|null} why sending stands still, for the person */
    this.held = null;
    this.closed = false;
  }

  /** Entries in order. @returns {Entry[]} */
  get entries() {
    const found = [];
    for (let i = 0; i < this.storage.length; i += 1) {
      const slot = this.storage.key(i);
      if (slot?.startsWith(`${this.name}#`)) found.push(parse(this.storage.getItem(slot)));
    }
    return found.filter((entry) => entry !== null).sort((a, b) => a.order - b.order);
  }

  get size() {
    return this.entries.length;
  }

  /**
   * Stores an entry and starts sending. Throws when the browser's storage is full, before anything
   * was shown as done.
   * @param {import("./history.js").Order} entry
   */
  add(entry) {
    const order = Math.max(Date.now(), (this.entries.at(-1)?.order ?? 0) + 1);
    this.#store({ ...entry, tries: 0, order });
    this.#changed();
    void this.flush();
  }

  /**
   * Takes back an entry that was surely never sent.
   * @param {string} key
   * @returns {boolean} whether it was still here, unsent
   */
  takeBack(key) {
    const entry = this.#read(key);
    if (!entry || entry.tries > 0) return false;
    this.storage.removeItem(this.#slot(key));
    this.#changed();
    return true;
  }

  /** Sends what waits, now. */
  async flush() {
    clearTimeout(this.timer);
    if (this.busy || this.closed) return;
    this.busy = true;
    try {
      await this.#locked(() => this.#drain());
    } finally {
      this.busy = false;
    }
  }

  async #drain() {
    for (;;) {
      const entry = this.entries[0];
      if (!entry || this.closed) break;
      if (!(await this.#sendOne(entry))) break;
    }
  }

  /**
   * @param {Entry} entry
   * @returns {Promise<boolean>} whether to go on with the next
   */
  async #sendOne(entry) {
    this.#store({ ...entry, tries: entry.tries + 1 });
    try {
      const answer = await this.send(entry);
      this.#finish(entry);
      this.dispatchEvent(new CustomEvent("sent", { detail: { entry, answer } }));
      return true;
    } catch (error) {
      const { passing, status } = /** @type {any} */ (error);
      if (passing || status === 401) return this.#wait(error);
      this.#finish(entry);
      this.dispatchEvent(new CustomEvent("refused", { detail: { entry, error } }));
      return true;
    }
  }

  /** @param {any} error */
  #wait(error) {
    this.held = error.status === 401 ? "login" : "offline";
    const wait = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
    this.failures += 1;
    if (this.held !== "login") this.timer = setTimeout(() => void this.flush(), wait);
    this.#changed();
    return false;
  }

  /** @param {Entry} entry */
  #finish(entry) {
    this.storage.removeItem(this.#slot(entry.key));
    this.failures = 0;
    this.held = null;
    this.#changed();
  }

  /** @param {() => Promise<void>} work */
  #locked(work) {
    if (!navigator.locks) return work();
    return navigator.locks.request(this.name, work);
  }

  /** @param {string} key */
  #slot(key) {
    return `${this.name}#${key}`;
  }

  /** @param {string} key */
  #read(key) {
    return parse(this.storage.getItem(this.#slot(key)));
  }

  /** @param {Entry} entry */
  #store(entry) {
    this.storage.setItem(this.#slot(entry.key), JSON.stringify(entry));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * @param {string|null} text
 * @returns {Entry|null}
 */
function parse(text) {
  if (!text) return null;
  try {
    const entry = JSON.parse(text);
    return typeof entry?.key === "string" && typeof entry.order === "number" ? entry : null;
  } catch {
    return null;
  }
}

/** A key drawn once per action; works without a secure context too. */
export function drawKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [8, 12, 16, 20].reduceRight((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, hex);
}
