/** An endpoint's answer as React state: loaded when its address changes, again on a beat, and on demand. */

import { apiAddress, fetchText } from "./api.js";
import { useCallback, useEffect, useRef, useState } from "./element.js";

const NOTHING = { address: null, text: null, data: null, error: null };

/**
 * Returns `{data, error, isStale, retry}`. While another address loads, the former data stay (`isStale`): no flicker.
 * @param {string | null} path null asks nothing
 * @param {Record<string, unknown>} [parameters]
 * @param {{everyMs?: number | ((data: any) => number)}} [options] 0: only once
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
      setFound((old) => (old.address === address && old.text === text && !old.error ? old : make(address, text))),
    (error) => {
      if (stop.signal.aborted) return;
      // What was shown for this address stays beside the error; what belongs to another one does not.
      setFound((old) => ({ ...(old.address === address ? old : NOTHING), address, error }));
    },
  );
  return () => stop.abort();
}

function make(address, text) {
  return { address, text, data: JSON.parse(text), error: null };
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
