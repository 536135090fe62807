/**
 * What an import found wrong, as a table: file, line, column, value, what was expected, what to do.
 * It can be searched and taken away as a file for a spreadsheet.
 *
 * @example fill(room, problemsTable(await api("GET", "/api/queue/7/problems")));
 */

import { fill, h } from "./dom.js";
import { count, plural } from "./format.js";

/** @typedef {{level: "error"|"warning", file: string, line: number|null, column: string|null, value: string|null, message: string, remedy: string}} Problem */

const SHOWN = 100;
const COLUMNS = /** @type {Array<[keyof Problem, string]>} */ ([
  ["level", "Kind"], ["file", "File"], ["line", "Line"], ["column", "Column"], ["value", "Value"], ["message", "What is wrong"], ["remedy", "What to do"],
]);

/**
 * Those of the problems in which the text stands anywhere. Pure.
 * @param {Problem[]} problems
 * @param {string} text
 * @param {string} level  "" for both
 */
export function fitting(problems, text, level) {
  const wanted = text.trim().toLowerCase();
  return problems.filter((one) => (!level || one.level === level) && COLUMNS.some(([name]) => String(one[name] ?? "").toLowerCase().includes(wanted)));
}

/**
 * As tab-separated text; what a table uses as marks becomes a blank, and nothing is a formula.
 * @param {Problem[]} problems
 */
export function asTable(problems) {
  const cell = (/** @type {any} */ value) => String(value ?? "").replace(/[\t\r\n]/g, " ").replace(/^([=+\-@])/, "'$1");
  return [COLUMNS.map(([name]) => name), ...problems.map((one) => COLUMNS.map(([name]) => cell(one[name])))].map((row) => row.join("\t")).join("\n");
}

/**
 * @param {{errors: number, warnings: number, shown: Problem[]}} told
 * @param {string} name  of the file to take away
 */
export function problemsTable(told, name) {
  if (!told.shown.length) return null;
  const body = h("tbody");
  const note = h("p", { class: "muted", role: "status" });
  const find = h("input", { type: "search", placeholder: "Find in these", "aria-label": "Find in the problems", oninput: draw });
  const level = h("select", { "aria-label": "Errors or warnings", onchange: draw },
    h("option", { value: "" }, "errors and warnings"), h("option", { value: "error" }, "errors"), h("option", { value: "warning" }, "warnings"));

  function draw() {
    const found = fitting(told.shown, find.value, level.value);
    fill(body, found.slice(0, SHOWN).map((one) => h("tr", {}, COLUMNS.map(([key, label]) => h("td", { class: "cell-words", "data-label": label },
      key === "level" ? h("span", { class: "badge", data: { health: one.level === "error" ? "trouble" : "late" } }, one.level) : one[key] ?? "–")))));
    const beyond = told.errors + told.warnings - told.shown.length;
    note.textContent = [
      found.length > SHOWN ? `The first ${count(SHOWN)} of ${count(found.length)}; find narrows them.` : plural(found.length, "problem"),
      beyond > 0 ? `${count(beyond)} more were counted without their words.` : "",
    ].filter(Boolean).join(" ");
  }

  function take() {
    const link = h("a", { href: URL.createObjectURL(new Blob([asTable(fitting(told.shown, find.value, level.value))], { type: "text/tab-separated-values" })), download: `${name}.tsv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  draw();
  return h("div", { class: "problems" },
    h("div", { class: "inline-form" }, find, level, h("span", { class: "spring" }), h("button", { type: "button", onclick: take }, "Download")),
    h("div", { class: "scroll tall" }, h("table", { class: "rows" }, h("thead", {}, h("tr", {}, COLUMNS.map(([, label]) => h("th", { scope: "col" }, label)))), body)), note);
}
