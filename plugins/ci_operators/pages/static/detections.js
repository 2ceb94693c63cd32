/** Detections in the ledger: a list of those with an indicator, and those of an event in full. */

import { CodeBadges, FateBadge, LongText, Moment } from "./badges.js";
import { LinkButton } from "./controls.js";
import { Box, Flex, html, Stack } from "./element.js";
import { Facts, Muted, Section } from "./section.js";
import { DataTable } from "./table.js";

/** Returns the detections with an indicator; `onChoose` gets the one whose event to explain. */
export function Matches({ found, onChoose }) {
  const title = `${found.more ? "The newest " : ""}${found.matches.length} detections with this indicator`;
  return html`
    <${Section} title=${title} note="choose one to see what happened to its event">
      <${DataTable} label=${title} columns=${makeColumns(onChoose)} rows=${found.matches} onOpen=${onChoose}
          keyOf=${(match, index) => `${match.connector} ${match.event_id} ${index}`} maxH="28rem" />
    <//>
  `;
}

function makeColumns(onChoose) {
  return [
    { title: "Event", isHead: true, cell: (match) => html`<${EventButton} match=${match} onChoose=${onChoose} />` },
    { title: "Connector", cell: ({ connector }) => connector },
    { title: "Type", cell: ({ indicator_type: type }) => html`<${Muted}>${type}<//>` },
    { title: "Detected", cell: ({ detected_at: at }) => html`<${Moment} at=${at} />` },
    { title: "State", cell: ({ state, state_words: title }) => html`<${FateBadge} fate=${state} title=${title} />` },
  ];
}

function EventButton({ match, onChoose }) {
  if (!match.event_id) return html`<${Muted}>–<//>`;
  return html`<${LinkButton} onClick=${() => onChoose(match)}><${LongText} text=${match.event_id} /><//>`;
}

/** Returns the detections of an event, each with its state and its delivery. */
export function Sent({ detections }) {
  const title = detections.length === 1 ? "Its detection" : `Its ${detections.length} detections`;
  const items = detections.map((found, index) => html`<${Detection} key=${found.key ?? index} found=${found} />`);
  return html`<${Section} title=${title}><${Stack} gap="4">${items}<//><//>`;
}

function Detection({ found }) {
  const facts = [
    ["Detected", html`<${Moment} at=${found.detected_at} />`],
    ["ATT&CK codes", html`<${CodeBadges} codes=${found.codes} most=${8} />`],
    ...deliveryFacts(found),
    ["Sent again", found.resent ? "after an unknown outcome" : ""],
  ];
  return html`
    <${Box}>
      <${Flex} gap="2" align="center" wrap="wrap" mb="2">
        <${Muted}>${found.indicator_type}<//>
        <${LongText} text=${found.indicator} limit=${72} fontSize="sm" whiteSpace="normal" overflowWrap="anywhere" />
        <${FateBadge} fate=${found.state} />
      <//>
      ${found.message && html`<${Muted} as="p" mb="2" overflowWrap="anywhere">${found.message}<//>`}
      <${Facts} facts=${facts} />
    <//>
  `;
}

/** Returns when a detection was settled, and in which batch it was sent, as `Facts` expects them. */
export function deliveryFacts({ settled_at: at, batch, attempts }) {
  return [
    ["Settled", at && html`<${Moment} at=${at} />`],
    ["Batch", attempts > 1 ? `${batch}, sent ${attempts} times` : batch],
  ];
}
