/** The reasons, issues and notes of one stage, in words. */

import { FateBadge } from "./badges.js";
import { Chakra, h } from "./element.js";
import { formatCount, plainCode } from "./format.js";
import { Muted } from "./section.js";
import { DataTable } from "./table.js";

const { Link, Stack } = Chakra;

/** Returns the table; `onPick` gets the {fate, code} whose records are to be shown. */
export function StageCodes({ stage, onPick }) {
  const rows = [
    ...stage.dropped.map((each) => ({ ...each, fate: "dropped" })),
    ...stage.quarantined.map((each) => ({ ...each, fate: "quarantined" })),
    ...stage.notes.map((each) => ({ ...each, fate: "noted" })),
  ];
  const extra = listExtra(stage);
  return h(
    Stack,
    { gap: 3 },
    rows.length
      ? h(DataTable, {
          label: "What the stage left out or noted",
          columns: makeColumns(onPick),
          rows,
          keyOf: ({ fate, code }) => `${fate} ${code}`,
        })
      : h(Muted, null, "Nothing: every record went on."),
    extra.length > 0 && h(Muted, { as: "p" }, extra.join(" · ")),
  );
}

const ABOVE = new Set(["pages", "overlap_s", "waited_s"]); // stand among the run's facts

/** Returns the counts of a stage alone in words, such as "batches 9"; those that are zero say nothing. */
export function listExtra({ extra }) {
  return Object.entries(extra ?? {})
    .filter(([name, value]) => value !== 0 && value !== "" && !ABOVE.has(name))
    .map(([name, value]) => `${plainCode(name)} ${typeof value === "number" ? formatCount(value) : value}`);
}

function makeColumns(onPick) {
  return [
    { title: "Why", isHead: true, cell: (row) => h(Why, { row }) },
    { title: "Code", cell: ({ code }) => h(Muted, { fontSize: "xs" }, code) },
    {
      title: "Fate",
      cell: ({ fate }) => (fate === "noted" ? h(Muted, null, "goes on, noted") : h(FateBadge, { fate })),
    },
    { title: "Records", isNumber: true, cell: (row) => drawCount(row, onPick) },
  ];
}

function Why({ row: { words, code, faq } }) {
  return h(Stack, { gap: 0 }, words || plainCode(code), faq && h(Muted, { fontSize: "xs" }, faq));
}

function drawCount({ fate, code, count, words }, onPick) {
  const figure = formatCount(count);
  if (fate === "noted") return figure;
  return h(
    Link,
    {
      as: "button",
      type: "button",
      color: "fg.info",
      onClick: () => onPick({ fate, code }),
      "aria-label": `${figure}: ${words || code} Show them.`,
    },
    figure,
  );
}
