/**
 * Forms that talk to the shore: what is refused is said inside the form, and its button waits.
 *
 * @example onSubmit(byId("about"), async (data) => { await api("PATCH", path, data); });
 */

/**
 * @param {HTMLFormElement} form
 * @param {(data: Record<string, any>, form: HTMLFormElement) => Promise<void>} send
 */
export function onSubmit(form, send) {
  const problem = /** @type {HTMLElement} */ (form.querySelector(".form-error"));
  const button = /** @type {HTMLButtonElement|null} */ (form.querySelector("button[type=submit]"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    if (button) button.disabled = true;
    try {
      await send(Object.fromEntries(new FormData(form)), form);
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
      problem.hidden = false;
    } finally {
      if (button) button.disabled = false;
    }
  });
}
