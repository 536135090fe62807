/**
 * Every key of the review page, once: the page acts on it, the help shows it, the documentation is
 * tested against it. A chord is written `Mod+Shift+z`; Mod is Ctrl, or Cmd on a Mac.
 *
 * @example commandFor(event) // {command: "validate"} for Enter or v; {command: "search", text: "c"}
 */

/**
 * @typedef {Object} Binding
 * @property {string} command
 * @property {string[]} chords
 * @property {string[]} labels   as printed on the keys
 * @property {string} does
 * @property {string} group
 */

/** @type {Binding[]} */
export const KEYMAP = [
  { group: "Sort", command: "validate", chords: ["Enter", "v"], labels: ["Enter", "V"], does: "Validate: the taxon is right" },
  { group: "Sort", command: "search", chords: ["/"], labels: ["/", "any other letter"], does: "Search a taxon; Enter there relabels and validates" },
  { group: "Sort", command: "guess-1", chords: ["1"], labels: ["1"], does: "Relabel as the first guess" },
  { group: "Sort", command: "guess-2", chords: ["2"], labels: ["2"], does: "Relabel as the second guess" },
  { group: "Sort", command: "guess-3", chords: ["3"], labels: ["3"], does: "Relabel as the third guess" },
  { group: "Sort", command: "repeat", chords: ["."], labels: ["."], does: "Relabel as the last taxon again" },
  { group: "Sort", command: "dubious", chords: ["d"], labels: ["D"], does: "Mark as dubious" },
  { group: "Sort", command: "discard", chords: ["x"], labels: ["X"], does: "Discard" },
  { group: "Sort", command: "reset", chords: ["r"], labels: ["R"], does: "Reset to the prediction" },
  { group: "Second thoughts", command: "undo", chords: ["u", "Mod+z"], labels: ["U", "Ctrl+Z"], does: "Undo" },
  { group: "Second thoughts", command: "redo", chords: ["Mod+Shift+z", "Mod+y"], labels: ["Ctrl+Shift+Z", "Ctrl+Y"], does: "Redo" },
  { group: "Choose", command: "toggle", chords: [" "], labels: ["Space"], does: "Select or unselect the object at the cursor" },
  { group: "Choose", command: "select-all", chords: ["Mod+a"], labels: ["Ctrl+A"], does: "Select the page" },
  { group: "Choose", command: "clear", chords: ["Escape"], labels: ["Esc"], does: "Clear the selection" },
  { group: "Move", command: "left", chords: ["ArrowLeft"], labels: ["←"], does: "Previous object" },
  { group: "Move", command: "right", chords: ["ArrowRight"], labels: ["→"], does: "Next object" },
  { group: "Move", command: "up", chords: ["ArrowUp"], labels: ["↑"], does: "Row above" },
  { group: "Move", command: "down", chords: ["ArrowDown"], labels: ["↓"], does: "Row below" },
  { group: "Move", command: "extend", chords: ["Shift+ArrowLeft", "Shift+ArrowRight", "Shift+ArrowUp", "Shift+ArrowDown"], labels: ["Shift+arrows"], does: "Move and select the range" },
  { group: "Move", command: "first", chords: ["Home"], labels: ["Home"], does: "First object of the page" },
  { group: "Move", command: "last", chords: ["End"], labels: ["End"], does: "Last object of the page" },
  { group: "Move", command: "previous-page", chords: ["PageUp"], labels: ["PgUp"], does: "Previous page" },
  { group: "Move", command: "next-page", chords: ["PageDown"], labels: ["PgDn"], does: "Next page" },
  { group: "Look", command: "open", chords: ["Shift+Enter"], labels: ["Shift+Enter"], does: "Open the object's own page" },
  { group: "Look", command: "help", chords: ["?"], labels: ["?"], does: "Show these keys" },
];

const BY_CHORD = new Map(KEYMAP.flatMap((binding) => binding.chords.map((chord) => [chord, binding.command])));

/**
 * The chord of a key event. Shift is part of it only where it does not already change the character.
 * @param {KeyboardEvent} event
 */
export function chordOf(event) {
  const named = event.key.length > 1;
  const modified = event.ctrlKey || event.metaKey;
  const key = named ? event.key : event.key.toLowerCase();
  const shift = event.shiftKey && (named || modified);
  return `${modified ? "Mod+" : ""}${event.altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${key}`;
}

/**
 * What a key press asks for; null when it is not ours. Any letter without a command opens the
 * search with that letter kept.
 * @param {KeyboardEvent} event
 * @returns {{command: string, text?: string, key: string}|null}
 */
export function commandFor(event) {
  if (event.isComposing) return null;
  const chord = chordOf(event);
  const command = BY_CHORD.get(chord);
  if (command) return { command, text: "", key: event.key };
  if (/^\p{L}$/u.test(chord)) return { command: "search", text: event.key, key: event.key };
  return null;
}
