/**
 * The page of taxa: the tree, the chosen taxon, a project's own list. The address names the chosen
 * one, so that a link leads to it and the browser's way back works.
 */

import { api } from "./api.js";
import { byId, fill } from "./dom.js";
import { count } from "./format.js";
import { Latest } from "./latest.js";
import { explain } from "./shell.js";
import { TaxonActs } from "./taxon-acts.js";
import { TaxonCard } from "./taxon-card.js";
import { OwnList } from "./taxon-own-list.js";
import { TaxonSearch } from "./taxon-search.js";
import { TaxonTree } from "./taxon-tree.js";

const manages = ["manager", "administrator"].includes(document.body.dataset.role ?? "");
const search = new TaxonSearch(byId("taxon-search"), null, () => []);
const tree = new TaxonTree(byId("tree"), (id) => go(id));
const acts = new TaxonActs({ dialog: byId("taxon-dialog"), form: byId("taxon-form"), head: byId("taxon-dialog-head"), search, changed });
const card = new TaxonCard(byId("taxon"), { manages, acts, go });
const newest = new Latest();
const own = new OwnList({ search, chosen: () => card.taxon });

/** @param {number} id */
function go(id) {
  history.pushState(null, "", `?taxon=${id}`);
  show(id).catch(explain);
}

/** @param {number} id */
async function show(id) {
  const taxon = await newest.of(api("GET", `/api/taxa/${id}`));
  if (!taxon) return;
  if (taxon.rename_to) {
    history.replaceState(null, "", `?taxon=${taxon.rename_to.taxon_id}`);
    await show(taxon.rename_to.taxon_id);
    return;
  }
  card.show(taxon);
  own.draw();
  await tree.reveal(taxon.lineage.map((/** @type {any} */ one) => one.taxon_id).reverse());
}

/** @param {number|null} id what is to be shown after a change */
async function changed(id) {
  await tree.load();
  await tell();
  await own.load();
  if (id !== null) {
    history.replaceState(null, "", `?taxon=${id}`);
    await show(id);
  }
}

async function tell() {
  const { version } = await api("GET", "/api/taxa/changes", { limit: 1 });
  fill(byId("summary"), manages ? "Everybody may look; you may change it. " : "", `Version ${count(version)} of the tree.`);
}

async function find() {
  const taxon = await search.ask("", "the tree");
  if (taxon) go(taxon.taxon_id);
}

async function start() {
  await Promise.all([tree.load(), tell(), own.start()]);
  const asked = Number(new URLSearchParams(location.search).get("taxon"));
  if (asked) await show(asked);
}

byId("find").addEventListener("click", find);
addEventListener("popstate", () => start().catch(explain));
addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea, dialog");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  find().catch(explain);
});
start().catch(explain);
