/**
 * The pages' JSON, asked with the login that the browser has; addresses are relative to this module's own.
 * An endpoint's answer is React state: loaded when its address changes, again on a beat, and on demand.
 */

import { useCallback, useEffect, useRef, useState } from "./element.js";

const API = new URL("../api/", import.meta.url);

/** Why there is no answer: `status` is HTTP's, 0 when nothing came; the message is a sentence to show. */
class ApiError extends Error {
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

/** @typedef {{data: any, error: ApiError | null, isStale: boolean, retry: () => void}} Answer */

/** @type {{address: string | null, text: string | null, data: any, error: ApiError | null}} */
const NOTHING = { address: null, text: null, data: null, error: null };

/**
 * Returns an endpoint's answer. While another address loads, the former data stay (`isStale`): no flicker.
 * @param {string | null} path null asks nothing
 * @param {Record<string, unknown>} [parameters]
 * @param {{everyMs?: number | ((data: any) => number)}} [options] 0: only once
 * @returns {Answer}
 */
export function useAnswer(path, parameters = {}, { everyMs = 0 } = {}) {
  const address = path === null ? null : apiAddress(path, parameters);
  const [found, setFound] = useState(NOTHING);
  const [turn, setTurn] = useState(0);
  const retry = useCallback(() => setTurn((count) => count + 1), []);
  useEffect(() => (address ? load(address, setFound) : undefined), [address, turn]);
  usePulse(typeof everyMs === "function" ? everyMs(found.data) : everyMs, retry);
  const isCurrent = found.address === address;
  return { data: found.data, error: isCurrent ? found.error : null, isStale: !isCurrent, retry };
}

function load(address, setFound) {
  const stop = new AbortController();
  fetchText(address, stop.signal).then(
    (text) =>
      setFound((old) =>
        old.address === address && old.text === text && !old.error
          ? old
          : { address, text, data: JSON.parse(text), error: null },
      ),
    (error) => {
      if (stop.signal.aborted) return;
      // What was shown for this address stays beside the error; what belongs to another one does not.
      setFound((old) => ({ ...(old.address === address ? old : NOTHING), address, error }));
    },
  );
  return () => stop.abort();
}

/** Call `beat` every so many milliseconds while the page is seen, and at once when it is seen again. */
export function usePulse(everyMs, beat) {
  const last = useRef(Date.now());
  useEffect(() => {
    if (!everyMs) return undefined;
    const check = () => {
      if (document.hidden || Date.now() - last.current < everyMs - 50) return;
      last.current = Date.now();
      beat();
    };
    last.current = Date.now();
    const timer = setInterval(check, everyMs);
    document.addEventListener("visibilitychange", check);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", check);
    };
  }, [everyMs, beat]);
}
