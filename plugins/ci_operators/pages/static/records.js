/** The records of a run, page by page; what is looked for stands in the address. */

import { useAddress } from "./address.js";
import { Chakra, Fragment, h, useRef } from "./element.js";
import { Empty, Lines, Notice, Problem } from "./empty.js";
import { formatCount } from "./format.js";
import { RecordDetail } from "./record_detail.js";
import { useRecords } from "./record_pages.js";
import { RecordFilters } from "./record_filters.js";
import { RecordsTable } from "./records_table.js";
import { Muted, Section } from "./section.js";

const { Button, Flex, Stack } = Chakra;

const PLACE = "collective-insights-records";

/** Bring the records into sight, after a click on a figure far above them has chosen which. */
export function scrollToRecords() {
  document.getElementById(PLACE)?.scrollIntoView({ block: "start" });
}

/** Returns the section with filters, table and one record's detail. `only`: of one stage alone. */
export function Records({ run, dagId, runId, only = "" }) {
  const { get, set } = useAddress();
  const query = { fate: get("fate"), code: get("code"), search: get("search"), stage: only || get("stage") };
  const hasAny = run.stages.some(({ records_in: count }) => count !== null);
  const pages = useRecords(hasAny ? { dag_id: dagId, run_id: runId, ...query } : null, run);
  const opener = useRef(null);
  const open = (record) => {
    opener.current = document.activeElement;
    const { event_id: id, indicator, place } = record;
    set({ record: id ?? "", indicator: indicator ?? "", place: id ? "" : place }, { isStep: true });
  };
  const close = () => set({ record: "", indicator: "", place: "" });
  const chosen = get("record") || get("place");
  const content = hasAny
    ? h(Fragment, null, h(RecordFilters, { run, query, only }), h(Found, { pages, query, open, chosen }))
    : h(Empty, { title: "No records yet", sentence: run.records_note || "No stage of this run has left any yet." });
  return h(
    Fragment,
    null,
    h(
      Section,
      { title: only ? "Records of this stage" : "Records", note: "what became of each", place: PLACE },
      h(Stack, { gap: 3 }, content),
    ),
    chosen &&
      h(RecordDetail, {
        dagId,
        runId,
        eventId: get("record"),
        indicator: get("indicator"),
        place: get("place"),
        close,
        finalFocus: () => opener.current,
      }),
  );
}

function Found({ pages, query, open, chosen }) {
  const { records, cursor, searched, note, error, isLoading, more, retry } = pages;
  const isFiltered = Boolean(query.fate || query.code || query.search);
  if (!records.length && isLoading) return h(Lines, { count: 6 });
  return h(
    Stack,
    { gap: 3 },
    note && h(Notice, null, note),
    records.length > 0 && h(RecordsTable, { records, open, chosen }),
    !records.length && !cursor && !error && h(Empty, isFiltered ? NONE_SUCH : NONE),
    error && h(Problem, { error, retry }),
    h(
      Flex,
      { gap: 3, align: "center", role: "status" },
      cursor &&
        h(
          Button,
          { size: "sm", variant: "outline", loading: isLoading, onClick: more },
          records.length ? "More" : "Search on",
        ),
      h(Muted, null, sayHowMany(records.length, cursor, searched, isFiltered)),
    ),
  );
}

const NONE_SUCH = {
  icon: "search",
  title: "No such record in this run",
  sentence: "Take a filter away, or ask for the event on the Explain page: another run may have read it.",
};
const NONE = { title: "No records", sentence: "This run has read no events, or the stage has not run yet." };

function sayHowMany(shown, cursor, searched, isFiltered) {
  if (!shown && !cursor) return "";
  const looked = isFiltered && searched > shown ? `, ${formatCount(searched)} looked at` : "";
  return cursor ? `${formatCount(shown)} shown${looked}, there may be more` : `${formatCount(shown)} in all${looked}`;
}
