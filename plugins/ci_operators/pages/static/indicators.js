/** The indicators with most detections; each leads to its explanation. */

import { pagePath } from "./address.js";
import { LongText, Moment, PageLink } from "./badges.js";
import { Chakra, h } from "./element.js";
import { Empty } from "./empty.js";
import { formatCount } from "./format.js";
import { Bar, Muted } from "./section.js";
import { DataTable } from "./table.js";

const { Badge, Flex, Stack } = Chakra;

/** Returns the table, as GET api/trends/indicators tells of them. */
export function Indicators({ found }) {
  const { indicators, indicators_note: note } = found;
  if (!indicators.length)
    return h(Empty, { title: "No indicators in this time", sentence: "They appear with the first detections." });
  const most = Math.max(...indicators.map(({ detections }) => detections));
  return h(
    Stack,
    { gap: 2 },
    note && h(Muted, null, note),
    h(DataTable, {
      label: "Top indicators",
      columns: makeColumns(most),
      rows: indicators,
      keyOf: ({ type, value }) => `${type} ${value}`,
    }),
  );
}

function makeColumns(most) {
  return [
    { title: "Indicator", isHead: true, cell: nameIndicator },
    { title: "Type", cell: ({ type }) => h(Badge, { variant: "outline" }, type) },
    { title: "Detections", cell: ({ detections }) => drawCount(detections, most), style: { w: "40%" } },
    { title: "Connectors", cell: ({ connectors }) => h(Muted, null, connectors.join(", ")) },
    { title: "Last detected", cell: ({ last_at: at }) => h(Moment, { at, isAgo: true }) },
  ];
}

function nameIndicator({ value }) {
  return h(PageLink, { to: pagePath({ view: "explain", q: value }) }, h(LongText, { text: value, limit: 48 }));
}

function drawCount(detections, most) {
  return h(
    Flex,
    { align: "center", gap: 3 },
    h(
      "span",
      { style: { minWidth: "3em", textAlign: "right", fontVariantNumeric: "tabular-nums" } },
      formatCount(detections),
    ),
    h(Bar, { share: detections / most, flex: 1, minW: 16 }),
  );
}
