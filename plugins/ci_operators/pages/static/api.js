/**
 * Requests the pages' JSON with the browser's login; addresses are relative to this module's address.
 * An endpoint's answer is React state: loaded when its address changes, at an interval, and on demand.
 */

import { useCallback, useEffect, useRef, useState } from "./element.js";

const API = new URL("../api/", import.meta.url);

/** A failed request: `status` is the HTTP status, 0 without an answer; the message is a sentence to show. */
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

/** Returns the answer's text. Throws ApiError with the server's sentence if the request fails. */
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
  401: "Your session has ended. Reload the page to log in again.",
  403: "You do not have permission to read this connector's DAG.",
  404: "Nothing was found here.",
};

function explain(status, text) {
  const isAirflows = status === 401 || status === 403; // Airflow answers only "Forbidden" there
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
 * Returns an endpoint's answer. While another address loads, the previous data stay (`isStale`), to avoid flicker.
 * @param {string | null} path null sends no request
 * @param {Record<string, unknown>} [parameters]
 * @param {{everyMs?: number | ((data: any) => number)}} [options] everyMs: interval; 0: only once
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
      // Data of this address stay with the error; data of another address do not.
      setFound((old) => ({ ...(old.address === address ? old : NOTHING), address, error }));
    },
  );
  return () => stop.abort();
}

/** Calls `beat` every `everyMs` milliseconds while the page is visible, and when it becomes visible again. */
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
