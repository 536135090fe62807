/**
 * Answers overtake each other on a bad link: what was asked for last is what a page shows.
 *
 * @example
 *   const newest = new Latest();
 *   const rows = await newest.of(api("GET", path, filter));
 *   if (rows) draw(rows); // null: something newer was asked for meanwhile
 */
export class Latest {
  #turn = 0;

  /**
   * @template T
   * @param {Promise<T>} answer
   * @returns {Promise<T|null>}
   */
  async of(answer) {
    const turn = (this.#turn += 1);
    try {
      const found = await answer;
      return turn === this.#turn ? found : null;
    } catch (error) {
      if (turn === this.#turn) throw error;
      return null;
    }
  }
}

/**
 * Does something with a part of the page that nobody can use meanwhile: what it shows is about to
 * change, and acting on it would act on what was there before.
 * @template T
 * @param {HTMLElement} room
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function alone(room, work) {
  room.inert = true;
  room.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    room.inert = false;
    room.setAttribute("aria-busy", "false");
  }
}
