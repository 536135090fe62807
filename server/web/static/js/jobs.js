/** Every job that one may see: all, or those that need a person. */

import { byId, fill, h } from "./dom.js";
import { JobList } from "./job-list.js";
import { explain } from "./shell.js";
import { TaxonSearch } from "./taxon-search.js";

/** @type {Array<[string, string]>} */
const WHICH = [["", "All"], ["PR", "Under way"], ["A", "Asking"], ["E", "Not done"], ["F", "Done"]];

const search = new TaxonSearch(byId("taxon-search"), null, () => []);
const wanted = { states: "" };
const list = new JobList(byId("jobs"), wanted, search);

/** @param {string} states */
function choose(states) {
  wanted.states = states;
  fill(byId("which"), WHICH.map(([key, label]) => h("button", { type: "button", "aria-pressed": String(key === states), onclick: () => {
    choose(key);
    list.refresh().catch(explain);
  } }, label)));
}

choose("");
list.start();
