/** The door: sends email and password, then goes where the person wanted to be. */

import { api } from "./api.js";
import { byId } from "./dom.js";

const form = /** @type {HTMLFormElement} */ (byId("login"));
const problem = byId("login-error");

/** A link from another site arrives without the cookie; asked from here, the session is known. */
async function knownAlready() {
  if (!document.referrer || new URL(document.referrer).origin === location.origin) return;
  try {
    await api("GET", "/api/me");
    location.replace(form.dataset.next || "/");
  } catch {
    // A stranger: the form is for them.
  }
}

void knownAlready();
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  const fields = new FormData(form);
  button.disabled = true;
  problem.hidden = true;
  try {
    await api("POST", "/api/login", { email: fields.get("email"), password: fields.get("password") });
    location.assign(form.dataset.next || "/");
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
    problem.hidden = false;
    /** @type {HTMLInputElement} */ (form.elements.namedItem("password")).select();
  } finally {
    button.disabled = false;
  }
});
