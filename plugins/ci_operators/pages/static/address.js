/** What the page shows, kept in its address, so that a link shows the same to another person. */

import { useCallback, useSearchParams } from "./element.js";

/**
 * Returns `{get, list, set}` of the address's search part.
 * `set` takes names and values, "" or [] removes one; it makes no step in the browser's history unless `isStep`.
 */
export function useAddress() {
  const [search, setSearch] = useSearchParams();
  const set = useCallback(
    (values, { isStep = false } = {}) =>
      // The router's own idea of the address lags behind while the page is drawn: two quick changes would be one.
      setSearch(replaceValues(globalThis.location.search, values), { replace: !isStep, preventScrollReset: true }),
    [setSearch],
  );
  return { get: (name, other = "") => search.get(name) ?? other, list: (name) => search.getAll(name), set };
}

function replaceValues(old, values) {
  const search = new URLSearchParams(old);
  for (const [name, value] of Object.entries(values)) {
    search.delete(name);
    for (const each of [value].flat()) if (each) search.append(name, each);
  }
  return search;
}

/** Returns the way to a run's tab, for the router. */
export function runPath(dagId, runId) {
  return `${dagPath(dagId)}/runs/${encodeId(runId)}/plugin/collective-insights-run`;
}

/** Returns the way to a task of a run. */
export function taskPath(dagId, runId, taskId) {
  return `${dagPath(dagId)}/runs/${encodeId(runId)}/tasks/${encodeId(taskId)}`;
}

/** Returns the way to a DAG's page. */
export function dagPath(dagId) {
  return `/dags/${encodeId(dagId)}`;
}

/** Returns an id as Airflow's own links write it: its tabs know themselves by the letters of the address. */
function encodeId(id) {
  return encodeURIComponent(id).replaceAll("%3A", ":").replaceAll("%2B", "+");
}

/** Returns the way to the navigation's page, which explains an event when given `{view: "explain", q}`. */
export function pagePath(search) {
  return `/plugin/collective-insights?${replaceValues("", search)}`;
}
