/** Trends in a time range: the indicators with the most detections, and the reasons why events were left out. */

import { pagePath } from "./address.js";
import { LongText, Moment, PageLink } from "./badges.js";
import { areaToken } from "./colors.js";
import { Badge, Box, Flex, html, Stack, Text } from "./element.js";
import { Empty } from "./empty.js";
import { formatCount } from "./format.js";
import { Bar, Muted } from "./section.js";
import { DataTable } from "./table.js";

/** Returns the table of the indicators in the answer of GET api/trends/indicators. */
export function Indicators({ found }) {
  const { indicators, indicators_note: note } = found;
  if (!indicators.length)
    return html`<${Empty} title="No indicators" sentence="They appear with the first detections of a time range." />`;
  const most = Math.max(...indicators.map(({ detections }) => detections));
  return html`
    <${Stack} gap="2">
      ${note && html`<${Muted}>${note}<//>`}
      <${DataTable} label="Top indicators" columns=${makeColumns(most)} rows=${indicators}
          keyOf=${({ type, value }) => `${type} ${value}`} />
    <//>
  `;
}

function makeColumns(most) {
  return [
    { title: "Indicator", isHead: true, cell: nameIndicator },
    { title: "Type", cell: ({ type }) => html`<${Badge} variant="outline">${type}<//>` },
    { title: "Detections", cell: ({ detections }) => drawCount(detections, most), style: { w: "40%" } },
    { title: "Connectors", cell: ({ connectors }) => html`<${Muted}>${connectors.join(", ")}<//>` },
    { title: "Last detected", cell: ({ last_at: at }) => html`<${Moment} at=${at} isAgo />` },
  ];
}

function nameIndicator({ value }) {
  return html`<${PageLink} to=${pagePath({ view: "explain", q: value })}><${LongText} text=${value} limit=${48} /><//>`;
}

function drawCount(detections, most) {
  return html`
    <${Flex} align="center" gap="3">
      <span style=${{ minWidth: "3em", textAlign: "right", fontVariantNumeric: "tabular-nums" }}>
        ${formatCount(detections)}
      </span>
      <${Bar} share=${detections / most} flex="1" minW="16" />
    <//>
  `;
}

/** Returns the reasons in the answer of GET api/trends/reasons, the most frequent first. */
export function Reasons({ found }) {
  const { reasons } = found;
  if (!reasons.length)
    return html`
      <${Empty} icon="check" title="No event was dropped or quarantined"
          sentence="That is true for all runs in this time range." />
    `;
  const most = Math.max(...reasons.map(({ events }) => events));
  const items = reasons.map((reason) => html`
    <${Reason} key="${reason.stage} ${reason.fate} ${reason.code}" reason=${reason} most=${most} />
  `);
  return html`<${Stack} as="ul" gap="3" listStyleType="none">${items}<//>`;
}

function Reason({ reason, most }) {
  const { stage, fate, code, words, events, faq } = reason;
  const where = `${fate === "quarantined" ? fate : "dropped"} by ${stage} (${code})`;
  return html`
    <${Box} as="li">
      <${Flex} justify="space-between" gap="3" align="baseline">
        <${Text} fontSize="sm" overflowWrap="anywhere">${words || code}<//>
        <${Text} fontSize="sm" fontWeight="semibold" fontVariantNumeric="tabular-nums">${formatCount(events)}<//>
      <//>
      <${Bar} share=${events / most} token=${areaToken(fate)} my="1" />
      <${Muted} fontSize="xs" overflowWrap="anywhere">${faq ? `${where} · ${faq}` : where}<//>
    <//>
  `;
}
