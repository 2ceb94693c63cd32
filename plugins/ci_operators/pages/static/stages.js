/** The stages of a run: a table of their figures, and the reasons, issues and notes of one stage in words. */

import { taskPath } from "./address.js";
import { FateBadge, PageLink } from "./badges.js";
import { paletteOf } from "./colors.js";
import { LinkButton } from "./controls.js";
import { Badge, Button, Flex, html, Stack, Text } from "./element.js";
import { formatBytes, formatCount, formatDuration, plainCode } from "./format.js";
import { Muted } from "./section.js";
import { DataTable } from "./table.js";

/** Returns the table of all stages; `onPick` gets the {fate, code, stage} of the records to show. */
export function StagesTable({ run, dagId, runId, onPick }) {
  const link = (stage) => html`<${PageLink} to=${taskPath(dagId, runId, stage)} fontWeight="semibold">${stage}<//>`;
  const codes = (fate) => (row) => html`<${Codes} row=${row} fate=${fate} onPick=${onPick} />`;
  const columns = [
    { title: "Stage", isHead: true, cell: ({ stage }) => link(stage) },
    { title: "State", cell: ({ state, try_number: tries }) => html`<${TaskState} state=${state} tries=${tries} />` },
    { title: "In", isNumber: true, cell: (row) => formatCount(row.records_in) },
    { title: "Dropped", cell: codes("dropped"), style: { minW: { base: 32, xl: 44 } } },
    { title: "Quarantined", cell: codes("quarantined"), style: { minW: { base: 32, xl: 36 } } },
    { title: "Out", isNumber: true, cell: (row) => formatCount(row.records_out) },
    { title: "Notes", cell: (row) => html`<${Notes} row=${row} />`, style: { minW: { base: 28, xl: 40 } } },
    { title: "Took", isNumber: true, cell: (row) => formatDuration(row.duration_s), hint: TOOK },
    { title: "Written", isNumber: true, cell: ({ bytes }) => (bytes ? formatBytes(bytes) : "–") },
  ];
  const keyOf = ({ stage }) => stage;
  return html`<${DataTable} label="Stages of the run" columns=${columns} rows=${run.stages} keyOf=${keyOf} />`;
}

const TOOK = "Without the time that the task waited for a worker";

/** Returns a task's state in Airflow's colors. */
function TaskState({ state, tries }) {
  return html`
    <${Flex} gap="2" align="center">
      <${Badge} colorPalette=${state ?? "none"} variant="solid" size="sm">${plainCode(state ?? "not run")}<//>
      ${tries > 1 && html`<${Muted} fontSize="xs" whiteSpace="nowrap">try ${tries}<//>`}
    <//>
  `;
}

function Codes({ row, fate, onPick }) {
  const counts = row[fate];
  if (row.records_in === null || !counts.length) return html`<${Muted}>${row.records_in === null ? "–" : "0"}<//>`;
  const items = counts.map(({ code, words, count }) => html`
    <${Button} key=${code} size="2xs" variant="subtle" colorPalette=${paletteOf(fate)} title=${words}
        onClick=${() => onPick({ fate, code, stage: row.stage })}
        aria-label="${formatCount(count)} ${fate}: ${words} Show them.">
      <${Text} as="span" fontWeight="bold" fontVariantNumeric="tabular-nums">${formatCount(count)}<//>
      <${Text} as="span" fontWeight="normal">${plainCode(code)}<//>
    <//>
  `);
  return html`<${Flex} gap="1" wrap="wrap">${items}<//>`;
}

function Notes({ row }) {
  const notes = row.notes.map(({ code, words, count }) => html`
    <${Muted} key=${code} fontSize="xs" title=${words}>${formatCount(count)} ${plainCode(code)}<//>
  `);
  const extra = listExtra(row).map((words) => html`<${Muted} key=${words} fontSize="xs">${words}<//>`);
  return notes.length || extra.length ? html`<${Stack} gap="0.5">${notes}${extra}<//>` : html`<${Muted}>–<//>`;
}

/** Returns what one stage left out or noted; `onPick` gets the {fate, code} of the records to show. */
export function StageCodes({ stage, onPick }) {
  const rows = [
    ...stage.dropped.map((each) => ({ ...each, fate: "dropped" })),
    ...stage.quarantined.map((each) => ({ ...each, fate: "quarantined" })),
    ...stage.notes.map((each) => ({ ...each, fate: "noted" })),
  ];
  const extra = listExtra(stage);
  return html`
    <${Stack} gap="3">
      ${!rows.length && html`<${Muted}>Nothing: every record was passed on.<//>`}
      ${rows.length > 0 && html`
        <${DataTable} label="What the stage dropped, quarantined, or noted" columns=${makeColumns(onPick)} rows=${rows}
            keyOf=${({ fate, code }) => `${fate} ${code}`} />
      `}
      ${extra.length > 0 && html`<${Muted} as="p">${extra.join(" · ")}<//>`}
    <//>
  `;
}

const ABOVE = new Set(["pages", "overlap_s", "waited_s"]); // these are among the run's facts

/** Returns the counts that only this stage has in words, such as "batches 9", without those that are 0. */
function listExtra({ extra }) {
  return Object.entries(extra ?? {})
    .filter(([name, value]) => value !== 0 && value !== "" && !ABOVE.has(name))
    .map(([name, value]) => `${plainCode(name)} ${typeof value === "number" ? formatCount(value) : value}`);
}

function makeColumns(onPick) {
  return [
    { title: "Why", isHead: true, cell: (row) => html`<${Why} row=${row} />` },
    { title: "Code", cell: ({ code }) => html`<${Muted} fontSize="xs">${code}<//>` },
    { title: "Outcome", cell: drawFate },
    { title: "Records", isNumber: true, cell: (row) => drawCount(row, onPick) },
  ];
}

function Why({ row: { words, code, faq } }) {
  return html`<${Stack} gap="0">${words || plainCode(code)}${faq && html`<${Muted} fontSize="xs">${faq}<//>`}<//>`;
}

function drawFate({ fate }) {
  return fate === "noted" ? html`<${Muted}>passed, with a note<//>` : html`<${FateBadge} fate=${fate} />`;
}

function drawCount({ fate, code, count, words }, onPick) {
  const figure = formatCount(count);
  if (fate === "noted") return figure;
  const label = `${figure}: ${words || code} Show them.`;
  return html`<${LinkButton} onClick=${() => onPick({ fate, code })} aria-label=${label}>${figure}<//>`;
}
