/** How each connector stands: one row each, remarks as sentences under it. */

import { dagPath, runPath } from "./address.js";
import { DebugBadge, Moment, PageLink, StateWord } from "./badges.js";
import { Chakra, h } from "./element.js";
import { Empty } from "./empty.js";
import { capitalise, countOf, formatCount, formatDuration, formatWindow } from "./format.js";
import { Bar, Muted } from "./section.js";
import { DataTable } from "./table.js";

const { Badge, Box, Code, Flex, Stack } = Chakra;

const HOW_TO_BEGIN =
  "Add an entry to include/connectors.yaml and an Airflow Connection for its source; its DAG appears here by itself.";

const DRY = "The ledger keeps nothing of dry runs: their figures stand on each run's tab.";

const RESENT = "Sent a second time after an unknown outcome: Recorded Future may have stored them twice";

const NOT_RUN = "It has not run yet: its schedule starts it, or Trigger on its DAG's page does so now.";

/** Returns the table of connectors, as GET api/connectors tells of them. */
export function ConnectorsTable({ found }) {
  const { connectors, note, problems = [] } = found;
  if (!connectors.length) return h(Empty, { title: "No connector yet", sentence: note || HOW_TO_BEGIN });
  return h(
    Stack,
    { gap: 2 },
    problems.map((sentence) => h(Muted, { key: sentence, as: "p", color: "fg.error" }, markCode(sentence))),
    h(DataTable, {
      label: "Connectors",
      columns: COLUMNS,
      rows: connectors,
      keyOf: ({ name }) => name,
      below: remarksOf,
    }),
  );
}

const COLUMNS = [
  { title: "Connector", isHead: true, cell: (row) => h(Name, { row }), style: { minW: 40 } },
  { title: "State", cell: (row) => h(State, { row }) },
  { title: "Last delivered window", cell: (row) => h(LastWindow, { row }), style: { minW: 48 } },
  { title: "Last run", cell: (row) => h(LastRun, { row }) },
  { title: "Today", cell: (row) => h(Today, { row }), hint: "Events read and detections accepted since midnight, UTC" },
  { title: "Needs a look", cell: (row) => h(Attention, { row }), style: { minW: 28 } },
  { title: "Budget today", cell: (row) => h(Budget, { row }), style: { minW: 32 } },
];

function Name({ row }) {
  return h(
    Stack,
    { gap: 0.5, maxW: 60, whiteSpace: "normal" },
    h(
      Flex,
      { gap: 2, align: "center" },
      h(PageLink, { to: dagPath(row.dag_id), fontWeight: "semibold", overflowWrap: "anywhere", minW: 0 }, row.name),
      row.debug && h(DebugBadge),
    ),
    h(Muted, { fontSize: "xs" }, `${row.source_title}, every ${formatDuration(row.update_frequency_s)}`),
  );
}

/** Returns how a connector stands as [palette, word]. */
export function standingOf(row) {
  if (row.problem) return ["red", "Not readable"];
  if (row.paused === null) return ["red", "No DAG"];
  if (row.paused) return ["gray", "Paused"];
  if (row.stopped) return ["red", "Stopped sending"];
  if (row.last_run?.state === "failed") return ["red", "Failing"];
  if (row.behind) return ["orange", "Behind"];
  if (row.debug) return row.last_run ? ["purple", "Dry run"] : ["gray", "Not run yet"];
  return row.last_window ? ["green", "On time"] : ["gray", "Nothing yet"];
}

function State({ row }) {
  const [palette, word] = standingOf(row);
  const failed = row.failed_runs_7_days;
  return h(
    Stack,
    { gap: 0.5 },
    h(StateWord, { palette }, word),
    failed > 0 && h(Muted, { fontSize: "xs", whiteSpace: "nowrap" }, `${countOf(failed, "failed run")} in 7 days`),
  );
}

function LastWindow({ row }) {
  const last = row.last_window;
  if (!last) return h(Muted, null, "–");
  const words = formatWindow(last.since, last.until);
  return h(
    Stack,
    { gap: 0.5 },
    last.run_id ? h(PageLink, { to: runPath(row.dag_id, last.run_id) }, words) : words,
    h(Muted, { fontSize: "xs" }, row.lag_s === null ? "" : `reaches to ${formatDuration(row.lag_s)} ago`),
  );
}

function LastRun({ row }) {
  const last = row.last_run;
  if (!last) return h(Muted, null, "–");
  return h(
    Stack,
    { gap: 0.5 },
    h(PageLink, { to: runPath(row.dag_id, last.run_id) }, h(Moment, { at: last.started_at, isAgo: true })),
    h(Muted, { fontSize: "xs" }, last.state),
  );
}

function Today({ row }) {
  if (row.debug) return h(Muted, { title: DRY }, "–");
  const { events, accepted, arrived_before: before, resent } = row.today;
  const title = before ? `${countOf(before, "event")} had arrived before` : undefined;
  const words = `${formatCount(events)} → ${formatCount(accepted)}`;
  return h(
    Stack,
    { gap: 0.5, whiteSpace: "nowrap" },
    h(Box, { fontVariantNumeric: "tabular-nums", title }, words),
    resent > 0 && h(Muted, { fontSize: "xs", title: RESENT }, `${formatCount(resent)} sent again`),
  );
}

const CARES = [
  ["unknown", "unknown", "orange", "Sent, and nobody can say whether Recorded Future has stored them"],
  ["held", "held", "orange", "Held back until somebody settles them"],
  ["rejected", "rejected", "red", "Refused by Recorded Future"],
  ["quarantined", "quarantined", "orange", "Events that could not become detections, kept to be replayed"],
  ["waiting", "waiting", "blue", "Wait for the next day's budget"],
  ["in_flight", "in flight", "blue", "On their way at this moment"],
];

/** Returns how many records of a connector want a person's attention. */
export function countCares(row) {
  return row.unknown + row.held + row.rejected + row.quarantined;
}

function Attention({ row }) {
  const open = CARES.filter(([name]) => row[name] > 0);
  if (!open.length) return h(Muted, null, "–");
  const badges = open.map(([name, word, palette, title]) =>
    h(Badge, { key: name, colorPalette: palette, variant: "subtle", title }, `${formatCount(row[name])} ${word}`),
  );
  return h(Flex, { gap: 1, wrap: "wrap" }, badges);
}

function Budget({ row: { budget, debug } }) {
  if (debug) return h(Muted, { title: DRY }, "–");
  if (!budget) return h(Muted, null, "–");
  const { spent, limit, reserved_for_live: reserved, destination, exhausted } = budget;
  const share = limit ? spent / limit : 1;
  const mark = limit && reserved ? 1 - reserved / limit : undefined;
  const title = `${destination}: ${formatCount(reserved)} of ${formatCount(limit)} are kept for scheduled runs`;
  const token = exhausted ? "red.500" : share > 0.8 ? "orange.500" : "brand.500";
  return h(
    Stack,
    { gap: 1, title },
    h(
      Box,
      { whiteSpace: "nowrap", fontVariantNumeric: "tabular-nums" },
      `${formatCount(spent)} of ${formatCount(limit)}`,
    ),
    h(Bar, { share, token, mark }),
  );
}

function remarksOf(row) {
  const begin = row.paused === false && !row.last_run ? NOT_RUN : "";
  const sentences = [row.problem, begin, ...(row.remarks ?? [])].filter(Boolean).map(capitalise);
  if (!sentences.length) return null;
  const items = sentences.map((sentence) =>
    h(Muted, { key: sentence, as: "li", overflowWrap: "anywhere" }, markCode(sentence)),
  );
  return h(Stack, { as: "ul", gap: 1, ps: 4, listStyleType: "disc" }, items);
}

/** Returns a sentence with what stands between backticks, such as an option, set apart. */
function markCode(sentence) {
  return sentence.split("`").map((part, index) => (index % 2 ? h(Code, { key: index, size: "sm" }, part) : part));
}
