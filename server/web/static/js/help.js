/** The keys, shown from the one table of keymap.js. */

import { fill, h } from "./dom.js";
import { KEYMAP } from "./keymap.js";

/** @param {HTMLDialogElement} dialog */
export function buildHelp(dialog) {
  const groups = [...new Set(KEYMAP.map((binding) => binding.group))];
  fill(
    dialog,
    h("form", { method: "dialog", class: "sheet-close" }, h("button", { class: "quiet" }, "Close")),
    h("h2", { id: "help-head" }, "Keys"),
    h("div", { class: "help-groups" }, groups.map(group)),
    h("p", { class: "muted" }, "Without a selection, a key acts on the object at the cursor and goes on to the next."),
  );
}

/** @param {string} name */
function group(name) {
  const rows = KEYMAP.filter((binding) => binding.group === name).map((binding) =>
    h(
      "div",
      { class: "help-row" },
      h("span", {}, binding.does),
      h("span", { class: "help-keys" }, binding.labels.map((label) => h("kbd", {}, label))),
    ),
  );
  return h("section", { class: "help-group" }, h("h3", {}, name), rows);
}
