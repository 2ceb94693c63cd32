/** The table of records; each opens its detail. */

import { CodeBadges, FateBadge, LongText, Moment } from "./badges.js";
import { Chakra, h } from "./element.js";
import { Muted } from "./section.js";
import { DataTable } from "./table.js";

const { Box, Link, Stack, Text } = Chakra;

const NARROW = {
  display: "inline-block",
  maxW: { base: "9rem", xl: "18rem" },
  overflow: "hidden",
  textOverflow: "ellipsis",
  verticalAlign: "bottom",
};

/** Returns the table; `open` gets the record whose detail is wanted, `chosen` is the event id of the open one. */
export function RecordsTable({ records, open, chosen }) {
  return h(DataTable, {
    label: "Records",
    columns: makeColumns(open),
    rows: records,
    keyOf: ({ event_id: id, fate, stage }, index) => `${id} ${fate} ${stage} ${index}`,
    onOpen: (record) => canOpen(record) && open(record),
    isChosen: ({ event_id: id, place }) => Boolean(chosen) && (id || place) === chosen,
  });
}

function makeColumns(open) {
  return [
    { title: "Event", isHead: true, cell: (record) => h(EventButton, { record, open }) },
    { title: "Fate", cell: ({ fate, stage }) => h(Fate, { fate, stage }) },
    { title: "Why", cell: (record) => h(Why, { record }), style: { minW: 40 } },
    { title: "Indicator", cell: (record) => h(Indicator, { record }) },
    {
      title: "ATT&CK",
      cell: ({ codes, fate }) => (fate === "detection" ? h(CodeBadges, { codes }) : h(Muted, null, "–")),
    },
    {
      title: "Detected",
      cell: ({ detected_at: at }) => h(Moment, { at, isWrapping: true }),
      style: { fontSize: "xs" },
    },
  ];
}

function canOpen({ event_id: id, place }) {
  return Boolean(id || place);
}

function EventButton({ record, open }) {
  const { event_id: id } = record;
  const name = id ? h(LongText, { text: id, limit: 38, ...NARROW }) : "no id";
  if (!canOpen(record)) return h(Muted, null, name);
  const show = (event) => {
    event.stopPropagation();
    open(record);
  };
  return h(
    Link,
    {
      as: "button",
      type: "button",
      color: "fg.info",
      onClick: show,
      "aria-label": `Show event ${(id || "without an id").slice(0, 200)}`,
    },
    name,
  );
}

function Fate({ fate, stage }) {
  const words = fate === "detection" ? "Detection" : undefined;
  return h(Stack, { gap: 0.5, align: "start" }, h(FateBadge, { fate }, words), h(Muted, { fontSize: "xs" }, stage));
}

/** Returns the reason of what was left out, the state of what was sent. */
function Why({ record }) {
  const { fate, words, detail, code, state, state_words: stateWords } = record;
  if (fate === "detection") {
    return state
      ? h(Box, null, h(FateBadge, { fate: state }), h(Muted, { as: "p", fontSize: "xs" }, stateWords))
      : h(Muted, null, "–");
  }
  return h(
    Box,
    { maxW: "26rem" },
    h(Text, { fontSize: "sm", overflowWrap: "anywhere" }, words || code),
    detail && h(Muted, { as: "p", fontSize: "xs", lineClamp: 2, overflowWrap: "anywhere", title: detail }, detail),
  );
}

function Indicator({ record }) {
  const { indicator, indicator_type: type } = record;
  if (!indicator) return h(Muted, null, "–");
  return h(
    Stack,
    { gap: 0.5 },
    h(LongText, { text: indicator, limit: 30, ...NARROW }),
    h(Muted, { fontSize: "xs" }, type),
  );
}
