/** Bringing a file into a project: hand it in with its progress shown, begin, follow, answer. */

import { api, ApiError } from "./api.js";
import { byId, fill, h } from "./dom.js";
import { onSubmit } from "./form.js";
import { ago, count } from "./format.js";
import { JobList } from "./job-list.js";
import { Latest } from "./latest.js";
import { announce, explain } from "./shell.js";
import { TaxonSearch } from "./taxon-search.js";

const projectId = Number(byId("project").dataset.project);
/** @type {XMLHttpRequest|null} */
let sending = null;
const newest = new Latest();

/** @param {number} bytes */
const size = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${count(Math.ceil(bytes / 1000))} kB`);

/** @param {string} [chosen] */
async function showFiles(chosen) {
  /** @type {Array<{name: string, is_folder: boolean, size: number, modified_ms: number}>|null} */
  const files = await newest.of(api("GET", "/api/files"));
  if (!files) return;
  files.sort((a, b) => b.modified_ms - a.modified_ms);
  fill(byId("files"), files.length ? h("table", { class: "rows" },
    h("thead", {}, h("tr", {}, ["Name", "Size", "Since", ""].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, files.map((file) => h("tr", {},
      h("td", { class: "cell-words", "data-label": "Name" }, file.name), h("td", { "data-label": "Size" }, file.is_folder ? "folder" : size(file.size)),
      h("td", { "data-label": "Since" }, ago(file.modified_ms, Date.now())),
      h("td", { class: "acts" }, h("button", { type: "button", class: "quiet", "aria-label": `Remove ${file.name}`, onclick: () => removeFile(file.name) }, "Remove"))))))
    : h("p", { class: "muted" }, "None yet."));
  byId("files").setAttribute("aria-busy", "false");
  const select = byId("begin").elements.file;
  const before = chosen ?? select.value;
  fill(select, files.length ? files.map((file) => h("option", { value: file.name, selected: file.name === before }, file.name)) : h("option", { value: "" }, "hand in a file first"));
}

/** @param {string} name */
async function removeFile(name) {
  if (!confirm(`Remove ${name} from your files? Imports that were done stay.`)) return;
  try {
    await fetchPlain("DELETE", name);
    await showFiles();
  } catch (error) {
    explain(error);
  }
}

/**
 * @param {string} method
 * @param {string} name
 */
async function fetchPlain(method, name) {
  const answer = await fetch(`/api/files/${encodeURIComponent(name)}`, { method, credentials: "same-origin", headers: { "X-Seadrift": "1" } });
  if (!answer.ok) throw new ApiError(answer.status, "file", (await answer.json()).error.message);
}

/** @param {File} file */
function send(file) {
  const room = byId("uploading");
  const bar = /** @type {HTMLProgressElement} */ (room.querySelector("progress"));
  const said = byId("uploading-said");
  const request = new XMLHttpRequest();
  sending = request;
  room.hidden = false;
  bar.value = 0;
  said.textContent = `${file.name}: 0 of ${size(file.size)}`;
  request.open("PUT", `/api/files/${encodeURIComponent(file.name)}`);
  request.setRequestHeader("X-Seadrift", "1");
  request.upload.onprogress = ({ loaded, total }) => {
    bar.value = (100 * loaded) / Math.max(1, total);
    said.textContent = `${file.name}: ${size(loaded)} of ${size(total)}`;
  };
  request.onloadend = () => {
    sending = null;
    room.hidden = true;
    /** @type {HTMLInputElement} */ (byId("upload")).value = "";
    if (request.status === 201) {
      announce(`${file.name} is here`);
      showFiles(file.name).catch(explain);
    } else explain(new ApiError(request.status, "upload", refusal(request, file.name)));
  };
  request.send(file);
}

/**
 * @param {XMLHttpRequest} request
 * @param {string} name
 */
function refusal(request, name) {
  if (request.status === 0) return `${name} was not handed in: it was stopped, or the link broke. Nothing of it was kept.`;
  try {
    return JSON.parse(request.responseText).error.message;
  } catch {
    return `The shore answered ${request.status}.`;
  }
}

function start() {
  const search = new TaxonSearch(byId("taxon-search"), projectId, () => []);
  const list = new JobList(byId("jobs"), { project_id: projectId, type: "import" }, search);
  const drop = byId("drop");
  byId("upload").addEventListener("change", (/** @type {any} */ event) => event.target.files[0] && send(event.target.files[0]));
  for (const name of ["dragover", "dragenter", "dragleave", "drop"]) {
    drop.addEventListener(name, (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      drop.dataset.over = String(name === "dragover" || name === "dragenter");
      if (name === "drop" && event.dataTransfer?.files[0]) send(event.dataTransfer.files[0]);
    });
  }
  byId("stop-upload").addEventListener("click", () => sending?.abort());
  onSubmit(byId("begin"), async ({ file, update, skip_loaded_files, skip_existing_objects }) => {
    if (!file) throw new Error("Hand in a file first.");
    await api("POST", `/api/projects/${projectId}/imports`, { file, update, skip_loaded_files: Boolean(skip_loaded_files), skip_existing_objects: Boolean(skip_existing_objects) });
    announce("The import has begun");
    await list.refresh();
    byId("jobs").scrollIntoView({ block: "nearest" });
  });
  showFiles().catch(explain);
  list.start();
}

if (document.getElementById("begin")) start();
