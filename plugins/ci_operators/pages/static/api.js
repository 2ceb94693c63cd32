/** The pages' JSON, asked with the login that the browser has; addresses are relative to this module's own. */

const API = new URL("../api/", import.meta.url);

/** Why there is no answer: `status` is HTTP's, 0 when nothing came; the message is a sentence to show. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

/**
 * Returns the address of an endpoint or a file. Lists are repeated; empty values are left out.
 * @param {string} path such as "trends/days"
 * @param {Record<string, unknown>} parameters
 */
export function apiAddress(path, parameters = {}) {
  const address = new URL(path, API);
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") address.searchParams.append(name, String(each));
    }
  }
  return address.href;
}

/** Returns the answer's text; ApiError with the server's sentence when it gives none. */
export async function fetchText(address, signal) {
  const answer = await ask(address, signal);
  const text = await answer.text();
  if (!answer.ok) throw new ApiError(answer.status, explain(answer.status, text));
  return text;
}

async function ask(address, signal) {
  try {
    return await fetch(address, { signal, headers: { Accept: "application/json" }, credentials: "same-origin" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "Airflow's API server does not answer.");
  }
}

const SENTENCES = {
  401: "Your login has ended: reload the page to log in again.",
  403: "You may not read this connector's DAG.",
  404: "There is nothing here.",
};

function explain(status, text) {
  const isAirflows = status === 401 || status === 403; // its words there are a bare "Forbidden"
  return (!isAirflows && readDetail(text)) || SENTENCES[status] || `The server could not answer (${status}).`;
}

function readDetail(text) {
  try {
    const { detail } = JSON.parse(text);
    return typeof detail === "string" ? detail : "";
  } catch {
    return ""; // a proxy's page, not ours
  }
}
