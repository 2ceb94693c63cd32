/** A run's records as React state: page after page by cursor. */

import { apiAddress, fetchText } from "./api.js";
import { useCallback, useEffect, useRef, useState } from "./element.js";

const EMPTY = { records: [], cursor: null, searched: 0, note: "", error: null, isLoading: true };
/** A search in a huge run looks at a part of it per request; so many requests in a row are made unasked. */
const UNASKED = 5;

/**
 * Returns the records found so far, with `more` for the next page and `retry` after an error.
 * @param {Record<string, string> | null} parameters null asks nothing
 * @param {{stages: any[]}} run when its counts change, while it goes on, the first page is asked for anew
 */
export function useRecords(parameters, run) {
  const address = parameters && apiAddress("run/records", parameters);
  const version = run.stages.map(({ records_in: taken, records_out: passed }) => `${taken}/${passed}`).join(" ");
  const [found, setFound] = useState(EMPTY);
  const [turn, setTurn] = useState(0);
  const stop = useRef(new AbortController());

  useEffect(() => {
    stop.current = new AbortController();
    setFound((old) => ({ ...old, isLoading: true, error: null }));
    if (address) read(address, null, EMPTY, stop.current.signal, setFound);
    return () => stop.current.abort();
  }, [address, version, turn]);

  const more = useCallback(() => {
    setFound((old) => ({ ...old, isLoading: true, error: null }));
    read(address, found.cursor, found, stop.current.signal, setFound);
  }, [address, found]);
  const retry = found.records.length ? more : () => setTurn((count) => count + 1);
  return { ...found, more, retry };
}

async function read(address, cursor, before, signal, setFound) {
  try {
    const page = await readPages(address, cursor, signal);
    const records = [...before.records, ...page.records];
    setFound({ ...page, records, searched: before.searched + page.searched, error: null, isLoading: false });
  } catch (error) {
    if (!signal.aborted) setFound({ ...before, cursor, error, isLoading: false });
  }
}

/** Returns the next page that has records, or what came after some pages without any. */
async function readPages(address, cursor, signal) {
  let searched = 0;
  let page = { records: [], cursor, note: "" };
  for (let count = 0; count < UNASKED; count += 1) {
    const next = new URL(address);
    if (page.cursor) next.searchParams.set("cursor", page.cursor);
    page = JSON.parse(await fetchText(next.href, signal));
    searched += page.searched ?? 0;
    if (page.records.length || !page.cursor) break;
  }
  return { ...page, searched };
}
