/** The records of a run, page by page, with filters in the address: text, outcome, stage, and reason. */

import { useAddress } from "./address.js";
import { apiAddress, fetchText } from "./api.js";
import { SearchBox, Select } from "./controls.js";
import { Button, Flex, Fragment, html, Stack, useCallback, useEffect, useRef, useState } from "./element.js";
import { Empty, Lines, Notice, Problem } from "./empty.js";
import { formatCount, plainCode } from "./format.js";
import { RecordDetail } from "./record_detail.js";
import { RecordsTable } from "./records_table.js";
import { Muted, Section } from "./section.js";

const FATES = [
  ["", "All outcomes"],
  ["detection", "Detections"],
  ["dropped", "Dropped"],
  ["quarantined", "Quarantined"],
];
const PLACE = "collective-insights-records";
const NO_PAGES = { records: [], cursor: null, searched: 0, note: "", error: null, isLoading: true };
/** A request searches only a part of a large run; this many requests follow each other automatically. */
const UNASKED = 5;

/** Scrolls to the records, after a click on a figure far above them has filtered them. */
export function scrollToRecords() {
  document.getElementById(PLACE)?.scrollIntoView({ block: "start" });
}

/** Returns the section with filters, table and the detail of one record. `only`: the only stage to show. */
export function Records({ run, dagId, runId, only = "" }) {
  const { get, set } = useAddress();
  const query = { fate: get("fate"), code: get("code"), search: get("search"), stage: only || get("stage") };
  const hasAny = run.stages.some(({ records_in: count }) => count !== null);
  const pages = useRecords(hasAny ? { dag_id: dagId, run_id: runId, ...query } : null, run);
  const opener = useRef(/** @type {Element | null} */ (null));
  const open = (record) => {
    opener.current = document.activeElement;
    const { event_id: id, indicator, place } = record;
    set({ record: id ?? "", indicator: indicator ?? "", place: id ? "" : place }, { isStep: true });
  };
  const close = () => set({ record: "", indicator: "", place: "" });
  const chosen = get("record") || get("place");
  return html`
    <${Fragment}>
      <${Section} title=${only ? "Records of this stage" : "Records"} note="what happened to each" place=${PLACE}>
        <${Stack} gap="3">
          ${!hasAny && html`<${Empty} title="No records yet" sentence=${run.records_note || NOT_YET} />`}
          ${hasAny && html`<${RecordFilters} run=${run} query=${query} only=${only} />`}
          ${hasAny && html`<${Found} pages=${pages} query=${query} open=${open} chosen=${chosen} />`}
        <//>
      <//>
      ${chosen && html`
        <${RecordDetail} dagId=${dagId} runId=${runId} eventId=${get("record")} indicator=${get("indicator")}
            place=${get("place")} close=${close} finalFocus=${() => opener.current} />
      `}
    <//>
  `;
}

const NOT_YET = "No stage of this run has written records yet.";

function Found({ pages, query, open, chosen }) {
  const { records, cursor, searched, note, error, isLoading, more, retry } = pages;
  const isFiltered = Boolean(query.fate || query.code || query.search);
  const next = records.length ? "More" : "Continue search";
  if (!records.length && isLoading) return html`<${Lines} count=${6} />`;
  return html`
    <${Stack} gap="3">
      ${note && html`<${Notice}>${note}<//>`}
      ${records.length > 0 && html`<${RecordsTable} records=${records} open=${open} chosen=${chosen} />`}
      ${!records.length && !cursor && !error && html`<${Empty} ...${isFiltered ? NONE_SUCH : NONE} />`}
      ${error && html`<${Problem} error=${error} retry=${retry} />`}
      <${Flex} gap="3" align="center" role="status">
        ${cursor && html`<${Button} size="sm" variant="outline" loading=${isLoading} onClick=${more}>${next}<//>`}
        <${Muted}>${sayHowMany(records.length, cursor, searched, isFiltered)}<//>
      <//>
    <//>
  `;
}

const NONE_SUCH = {
  icon: "search",
  title: "No matching record in this run",
  sentence: "Remove a filter, or search for the event on the Explain page: another run may have read it.",
};
const NONE = { title: "No records", sentence: "This run read no events, or the stage has not run yet." };

function sayHowMany(shown, cursor, searched, isFiltered) {
  if (!shown && !cursor) return "";
  const looked = isFiltered && searched > shown ? `, ${formatCount(searched)} searched` : "";
  return cursor ? `${formatCount(shown)} shown${looked}, there may be more` : `${formatCount(shown)} in total${looked}`;
}

/** Returns the filters; `query` has their values, from the address. */
function RecordFilters({ run, query, only }) {
  const { set } = useAddress();
  const [words, setWords] = useState(query.search);
  useEffect(() => setWords(query.search), [query.search]);
  const stages = [["", "All stages"], ...run.stages.map(({ stage }) => [stage, stage])];
  const codes = listCodes(run, query, only);
  const setStage = (stage) => set({ stage, code: "" });
  const clear = () => set({ search: "", fate: "", stage: "", code: "" });
  const isSet = query.fate || query.code || query.search || (!only && query.stage);
  return html`
    <${Flex} gap="2" wrap="wrap" align="center">
      <${SearchBox} words=${words} setWords=${setWords} onSearch=${(search) => set({ search })}
          label="Search id, indicator, reason, code or state" flex="1 1 16rem" maxW="md" />
      <${Select} label="Outcome" value=${query.fate} options=${FATES} onChange=${(fate) => set({ fate, code: "" })} />
      ${!only && html`<${Select} label="Stage" value=${query.stage} options=${stages} onChange=${setStage} />`}
      <${Select} label="Reason" value=${query.code} options=${codes} onChange=${(code) => set({ code })} w="56" />
      ${isSet && html`<${Button} size="sm" variant="ghost" onClick=${clear}>Clear filters<//>`}
    <//>
  `;
}

/** Returns the reasons and issues in the run that the other filters allow. */
function listCodes(run, { fate, stage, code }, only) {
  const stages = run.stages.filter((each) => !(only || stage) || each.stage === (only || stage));
  const counts = stages.flatMap((each) => [
    ...(fate === "quarantined" ? [] : each.dropped),
    ...(fate === "dropped" ? [] : each.quarantined),
  ]);
  const codes = new Set([...counts.map((each) => each.code), code].filter(Boolean));
  return [["", "All reasons"], ...[...codes].sort().map((each) => [each, plainCode(each)])];
}

/**
 * Returns the records found so far, with `more` for the next page and `retry` after an error.
 * @param {Record<string, string> | null} parameters null sends no request
 * @param {{stages: any[]}} run when its counts change while it is running, the first page is loaded again
 */
function useRecords(parameters, run) {
  const address = parameters && apiAddress("run/records", parameters);
  const version = run.stages.map(({ records_in: taken, records_out: passed }) => `${taken}/${passed}`).join(" ");
  const [found, setFound] = useState(NO_PAGES);
  const [turn, setTurn] = useState(0);
  const stop = useRef(new AbortController());

  useEffect(() => {
    stop.current = new AbortController();
    setFound((old) => ({ ...old, isLoading: true, error: null }));
    if (address) readOn(address, null, NO_PAGES, stop.current.signal, setFound);
    return () => stop.current.abort();
  }, [address, version, turn]);

  const more = useCallback(() => {
    setFound((old) => ({ ...old, isLoading: true, error: null }));
    readOn(address, found.cursor, found, stop.current.signal, setFound);
  }, [address, found]);
  const retry = found.records.length ? more : () => setTurn((count) => count + 1);
  return { ...found, more, retry };
}

async function readOn(address, cursor, before, signal, setFound) {
  try {
    const page = await readPages(address, cursor, signal);
    const records = [...before.records, ...page.records];
    setFound({ ...page, records, searched: before.searched + page.searched, error: null, isLoading: false });
  } catch (error) {
    if (!signal.aborted) setFound({ ...before, cursor, error, isLoading: false });
  }
}

/** Returns the next page with records, or the last of several pages without any. */
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
