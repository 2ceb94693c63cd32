/** The table of the connectors: one row each, with remarks as sentences below it. */

import { dagPath, runPath } from "./address.js";
import { DebugBadge, Moment, PageLink, StateWord } from "./badges.js";
import { Badge, Box, Code, Flex, html, Stack } from "./element.js";
import { Empty } from "./empty.js";
import { capitalize, countOf, formatCount, formatDuration, formatWindow } from "./format.js";
import { Bar, Muted } from "./section.js";
import { DataTable } from "./table.js";

const HOW_TO_BEGIN =
  "Add an entry to the connectors file and a Connection for its source. The DAG appears within a minute.";
const DRY = "The ledger does not record debug runs. Their figures are on each run's tab.";
const RESENT = "Sent again because the outcome was unknown. Recorded Future may have stored them twice.";
const WINDOW = "The part of time that the last successful scheduled run read";
const BUDGET = "Detections sent today (UTC) over the Connection. Beyond the mark, only scheduled runs can send.";
const TODAY = "Events read and detections accepted since midnight, UTC";

/** Returns the table of the connectors in the answer of GET api/connectors. */
export function ConnectorsTable({ found }) {
  const { connectors, note, problems = [] } = found;
  if (!connectors.length) return html`<${Empty} title="No connector yet" sentence=${note || HOW_TO_BEGIN} />`;
  return html`
    <${Stack} gap="2">
      ${problems.map((sentence) => html`<${Muted} key=${sentence} as="p" color="fg.error">${markCode(sentence)}<//>`)}
      <${DataTable} label="Connectors" columns=${COLUMNS} rows=${connectors} keyOf=${({ name }) => name}
          below=${remarksOf} />
    <//>
  `;
}

const COLUMNS = [
  { title: "Connector", isHead: true, cell: (row) => html`<${Name} row=${row} />`, style: { minW: 40 } },
  { title: "State", cell: (row) => html`<${State} row=${row} />` },
  { title: "Last window", cell: (row) => html`<${LastWindow} row=${row} />`, hint: WINDOW, style: { minW: 48 } },
  { title: "Last run", cell: (row) => html`<${LastRun} row=${row} />` },
  { title: "Today", cell: (row) => html`<${Today} row=${row} />`, hint: TODAY },
  { title: "Needs attention", cell: (row) => html`<${Attention} row=${row} />`, style: { minW: 28 } },
  { title: "Budget today", cell: (row) => html`<${Budget} row=${row} />`, hint: BUDGET, style: { minW: 32 } },
];

function Name({ row }) {
  return html`
    <${Stack} gap="0.5" maxW="60" whiteSpace="normal">
      <${Flex} gap="2" align="center">
        <${PageLink} to=${dagPath(row.dag_id)} fontWeight="semibold" overflowWrap="anywhere" minW="0">${row.name}<//>
        ${row.debug && html`<${DebugBadge} />`}
      <//>
      <${Muted} fontSize="xs">${row.source_title}, every ${formatDuration(row.update_frequency_s)}<//>
    <//>
  `;
}

/** The palettes of a connector's levels; the server decides the level. */
const LEVELS = { good: "green", behind: "orange", bad: "red", dry: "purple", idle: "gray" };

function State({ row }) {
  const failed = row.failed_runs_7_days;
  return html`
    <${Stack} gap="0.5">
      <${StateWord} palette=${LEVELS[row.level]}>${row.state}<//>
      ${failed > 0 && html`<${Muted} fontSize="xs" whiteSpace="nowrap">${countOf(failed, "failed run")} in 7 days<//>`}
    <//>
  `;
}

function LastWindow({ row }) {
  const last = row.last_window;
  if (!last) return html`<${Muted}>–<//>`;
  const words = formatWindow(last.since, last.until);
  return html`
    <${Stack} gap="0.5">
      ${last.run_id ? html`<${PageLink} to=${runPath(row.dag_id, last.run_id)}>${words}<//>` : words}
      <${Muted} fontSize="xs">${row.lag_s === null ? "" : `reaches to ${formatDuration(row.lag_s)} ago`}<//>
    <//>
  `;
}

function LastRun({ row }) {
  const last = row.last_run;
  if (!last) return html`<${Muted}>–<//>`;
  return html`
    <${Stack} gap="0.5">
      <${PageLink} to=${runPath(row.dag_id, last.run_id)}><${Moment} at=${last.started_at} isAgo /><//>
      <${Muted} fontSize="xs">${last.state}<//>
    <//>
  `;
}

function Today({ row }) {
  if (row.debug) return html`<${Muted} title=${DRY}>–<//>`;
  const { events, accepted, arrived_before: before, resent } = row.today;
  const title = before ? `${countOf(before, "event")} had been delivered before` : undefined;
  const words = `${formatCount(events)} → ${formatCount(accepted)}`;
  return html`
    <${Stack} gap="0.5" whiteSpace="nowrap">
      <${Box} fontVariantNumeric="tabular-nums" title=${title}>${words}<//>
      ${resent > 0 && html`<${Muted} fontSize="xs" title=${RESENT}>${formatCount(resent)} sent again<//>`}
    <//>
  `;
}

const CARES = [
  ["unknown", "unknown", "orange", "Sent, but it is not known whether Recorded Future stored them"],
  ["held", "held", "orange", "Not sent again until you decide (settle)"],
  ["rejected", "rejected", "red", "Rejected by Recorded Future"],
  ["quarantined", "quarantined", "orange", "Events that could not become detections. Replay them after a fix."],
  ["waiting", "waiting", "blue", "Waiting for the next day's budget"],
  ["in_flight", "in flight", "blue", "Being sent now"],
];

/** Returns how many records of a connector need attention; held records are among the unknown ones. */
export function countCares(row) {
  return row.unknown + row.rejected + row.quarantined;
}

function Attention({ row }) {
  const open = CARES.filter(([name]) => row[name] > 0);
  if (!open.length) return html`<${Muted}>–<//>`;
  const badges = open.map(([name, word, palette, title]) => html`
    <${Badge} key=${name} colorPalette=${palette} variant="subtle" title=${title}>${formatCount(row[name])} ${word}<//>
  `);
  return html`<${Flex} gap="1" wrap="wrap">${badges}<//>`;
}

function Budget({ row: { budget, debug } }) {
  if (debug) return html`<${Muted} title=${DRY}>–<//>`;
  if (!budget) return html`<${Muted}>–<//>`;
  const { spent, limit, reserved_for_live: reserved, destination, exhausted } = budget;
  const share = limit ? spent / limit : 1;
  const mark = limit && reserved ? 1 - reserved / limit : undefined;
  const title = `${destination}: ${formatCount(reserved)} of ${formatCount(limit)} are reserved for scheduled runs`;
  const token = exhausted ? "red.500" : share > 0.8 ? "orange.500" : "brand.500";
  return html`
    <${Stack} gap="1" title=${title}>
      <${Box} whiteSpace="nowrap" fontVariantNumeric="tabular-nums">${formatCount(spent)} of ${formatCount(limit)}<//>
      <${Bar} share=${share} token=${token} mark=${mark} />
    <//>
  `;
}

function remarksOf(row) {
  if (!row.remarks.length) return null;
  const items = row.remarks.map(capitalize).map((each) => html`
    <${Muted} key=${each} as="li" overflowWrap="anywhere">${markCode(each)}<//>
  `);
  return html`<${Stack} as="ul" gap="1" ps="4" listStyleType="disc">${items}<//>`;
}

/** Returns a sentence with the text between backticks, such as an option, as code. */
function markCode(sentence) {
  const parts = sentence.split("`");
  return parts.map((part, index) => (index % 2 ? html`<${Code} key=${index} size="sm">${part}<//>` : part));
}
