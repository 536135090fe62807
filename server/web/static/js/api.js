/**
 * Talks to the shore: JSON in, JSON out, every failure an ApiError with words for a person.
 * `status` 0 means that no answer came (the link is down): the request may or may not have arrived.
 *
 * @example const page = await api("GET", "/api/projects/1/objects", {status: "P", limit: 100});
 */

export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} message
   */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Whether trying again later can help. */
  get passing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** @param {Record<string, any>} params */
export function query(params) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}

/**
 * @param {string} method
 * @param {string} path
 * @param {any} [data] the query of a GET, the JSON body of anything else
 * @param {{signal?: AbortSignal, keepalive?: boolean}} [options]
 * @returns {Promise<any>}
 */
export async function api(method, path, data, options = {}) {
  const reading = method === "GET";
  /** @type {RequestInit} */
  const init = { method, credentials: "same-origin", headers: { Accept: "application/json" }, ...options };
  if (!reading) {
    init.headers = { ...init.headers, "X-Seadrift": "1", "Content-Type": "application/json" };
    init.body = JSON.stringify(data ?? {});
  }
  let response;
  try {
    response = await fetch(reading ? path + query(data ?? {}) : path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "offline", "The shore does not answer.");
  }
  const body = await readJson(response);
  if (!response.ok) throw refusal(response, body);
  return body;
}

/** @param {Response} response */
async function readJson(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

/**
 * @param {Response} response
 * @param {any} body
 */
function refusal(response, body) {
  const error = body?.error;
  const message = error?.message ?? `The shore answered ${response.status} ${response.statusText}.`;
  return new ApiError(response.status, error?.code ?? "http", message);
}
