/** The state of the page in its address, so that a link shows the same to another person. */

import { useCallback, useSearchParams } from "./element.js";

/**
 * Returns `{get, list, set}` of the address's search part.
 * `set` takes names and values; "" or [] removes one. With `isStep` it adds a step to the browser's history.
 */
export function useAddress() {
  const [search, setSearch] = useSearchParams();
  const set = useCallback(
    (values, { isStep = false } = {}) =>
      // The router updates its address only after drawing: it would lose the first of two quick changes.
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

/** Returns the path of a run's tab, for the router. */
export function runPath(dagId, runId) {
  return `${dagPath(dagId)}/runs/${encodeId(runId)}/plugin/collective-insights-run`;
}

/** Returns the path of a task of a run. */
export function taskPath(dagId, runId, taskId) {
  return `${dagPath(dagId)}/runs/${encodeId(runId)}/tasks/${encodeId(taskId)}`;
}

/** Returns the path of a DAG's page. */
export function dagPath(dagId) {
  return `/dags/${encodeId(dagId)}`;
}

/** Returns an id encoded as in Airflow's links: its tabs compare the address as text to find the active one. */
function encodeId(id) {
  return encodeURIComponent(id).replaceAll("%3A", ":").replaceAll("%2B", "+");
}

/** Returns the path of the page in the navigation; with `{view: "explain", q}` it explains an event. */
export function pagePath(search) {
  return `/plugin/collective-insights?${replaceValues("", search)}`;
}
