/** The events whose detections carry an indicator, to choose one of them. */

import { FateBadge, LongText, Moment } from "./badges.js";
import { Chakra, h } from "./element.js";
import { Muted, Section } from "./section.js";
import { DataTable } from "./table.js";

const { Link } = Chakra;

/** Returns the table; `onChoose` gets the match whose event is to be explained. */
export function Matches({ found, onChoose }) {
  const title = `${found.more ? "The newest " : ""}${found.matches.length} detections with this indicator`;
  return h(
    Section,
    { title, note: "choose one to see its way" },
    h(DataTable, {
      label: title,
      columns: makeColumns(onChoose),
      rows: found.matches,
      keyOf: (match, index) => `${match.connector} ${match.event_id} ${index}`,
      onOpen: onChoose,
      maxH: "28rem",
    }),
  );
}

function makeColumns(onChoose) {
  return [
    { title: "Event", isHead: true, cell: (match) => h(EventButton, { match, onChoose }) },
    { title: "Connector", cell: ({ connector }) => connector },
    { title: "Type", cell: ({ indicator_type: type }) => h(Muted, null, type) },
    { title: "Detected", cell: ({ detected_at: at }) => h(Moment, { at }) },
    { title: "State", cell: ({ state, state_words: title }) => h(FateBadge, { fate: state, title }) },
  ];
}

function EventButton({ match, onChoose }) {
  if (!match.event_id) return h(Muted, null, "–");
  const choose = (event) => {
    event.stopPropagation();
    onChoose(match);
  };
  return h(
    Link,
    { as: "button", type: "button", color: "fg.info", onClick: choose },
    h(LongText, { text: match.event_id }),
  );
}
