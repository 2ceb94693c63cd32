/** The table of records; a click on a record opens its detail. */

import { CodeBadges, FateBadge, LongText, Moment } from "./badges.js";
import { LinkButton } from "./controls.js";
import { Box, html, Stack, Text } from "./element.js";
import { Muted } from "./section.js";
import { DataTable } from "./table.js";

const NARROW = {
  display: "inline-block",
  maxW: { base: "9rem", xl: "18rem" },
  overflow: "hidden",
  textOverflow: "ellipsis",
  verticalAlign: "bottom",
};

/** Returns the table; `open` gets the record to open, `chosen` is the event id of the open one. */
export function RecordsTable({ records, open, chosen }) {
  return html`
    <${DataTable} label="Records" columns=${makeColumns(open)} rows=${records}
        keyOf=${({ event_id: id, fate, stage }, index) => `${id} ${fate} ${stage} ${index}`}
        onOpen=${(record) => canOpen(record) && open(record)}
        isChosen=${({ event_id: id, place }) => Boolean(chosen) && (id || place) === chosen} />
  `;
}

function makeColumns(open) {
  return [
    { title: "Event", isHead: true, cell: (record) => html`<${EventButton} record=${record} open=${open} />` },
    { title: "Outcome", cell: ({ fate, stage }) => html`<${Fate} fate=${fate} stage=${stage} />` },
    { title: "Why", cell: (record) => html`<${Why} record=${record} />`, style: { minW: 40 } },
    { title: "Indicator", cell: (record) => html`<${Indicator} record=${record} />` },
    { title: "ATT&CK", cell: drawCodes },
    { title: "Detected", cell: drawTime, style: { fontSize: "xs" } },
  ];
}

function canOpen({ event_id: id, place }) {
  return Boolean(id || place);
}

function EventButton({ record, open }) {
  const { event_id: id } = record;
  const name = id ? html`<${LongText} text=${id} limit=${38} ...${NARROW} />` : "no id";
  if (!canOpen(record)) return html`<${Muted}>${name}<//>`;
  const label = `Show event ${(id || "without an id").slice(0, 200)}`;
  return html`<${LinkButton} onClick=${() => open(record)} aria-label=${label}>${name}<//>`;
}

function drawTime({ detected_at: at }) {
  return html`<${Moment} at=${at} isWrapping />`;
}

function drawCodes({ codes, fate }) {
  return fate === "detection" ? html`<${CodeBadges} codes=${codes} />` : html`<${Muted}>–<//>`;
}

function Fate({ fate, stage }) {
  const words = fate === "detection" ? "Detection" : undefined;
  return html`
    <${Stack} gap="0.5" align="start">
      <${FateBadge} fate=${fate}>${words}<//>
      <${Muted} fontSize="xs">${stage}<//>
    <//>
  `;
}

/** Returns the reason of a record that was left out, or the state of a detection. */
function Why({ record }) {
  const { fate, words, detail, code, state, state_words: stateWords } = record;
  if (fate === "detection" && !state) return html`<${Muted}>–<//>`;
  if (fate === "detection")
    return html`<${Box}><${FateBadge} fate=${state} /><${Muted} as="p" fontSize="xs">${stateWords}<//><//>`;
  return html`
    <${Box} maxW="26rem">
      <${Text} fontSize="sm" overflowWrap="anywhere">${words || code}<//>
      ${detail && html`
        <${Muted} as="p" fontSize="xs" lineClamp=${2} overflowWrap="anywhere" title=${detail}>${detail}<//>
      `}
    <//>
  `;
}

function Indicator({ record }) {
  const { indicator, indicator_type: type } = record;
  if (!indicator) return html`<${Muted}>–<//>`;
  return html`
    <${Stack} gap="0.5">
      <${LongText} text=${indicator} limit=${30} ...${NARROW} />
      <${Muted} fontSize="xs">${type}<//>
    <//>
  `;
}
