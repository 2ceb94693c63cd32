/** The figures of the funnel: one row per stage; a click on a reason shows its records. */

import { taskPath } from "./address.js";
import { PageLink } from "./badges.js";
import { paletteOf } from "./colours.js";
import { Chakra, h } from "./element.js";
import { formatBytes, formatCount, formatDuration, plainCode } from "./format.js";
import { Muted } from "./section.js";
import { listExtra } from "./stage_codes.js";
import { DataTable } from "./table.js";

const { Badge, Button, Flex, Stack, Text } = Chakra;

/** Returns the table. `stages` are all of the run unless one is named. */
export function StagesTable({ run, dagId, runId, onPick, only }) {
  const rows = only ? run.stages.filter(({ stage }) => stage === only) : run.stages;
  const columns = [
    { title: "Stage", isHead: true, cell: ({ stage }) => h(StageName, { stage, dagId, runId, isLink: !only }) },
    { title: "State", cell: ({ state, try_number: tries }) => h(TaskState, { state, tries }) },
    { title: "In", isNumber: true, cell: (row) => formatCount(row.records_in) },
    {
      title: "Dropped",
      cell: (row) => h(Codes, { row, fate: "dropped", onPick }),
      style: { minW: { base: 32, xl: 44 } },
    },
    {
      title: "Quarantined",
      cell: (row) => h(Codes, { row, fate: "quarantined", onPick }),
      style: { minW: { base: 32, xl: 36 } },
    },
    { title: "Out", isNumber: true, cell: (row) => formatCount(row.records_out) },
    { title: "Also noted", cell: (row) => h(Notes, { row }), style: { minW: { base: 28, xl: 40 } } },
    {
      title: "Took",
      isNumber: true,
      cell: (row) => formatDuration(row.duration_s),
      hint: "The stage's own work, without waiting for a worker",
    },
    { title: "Wrote", isNumber: true, cell: ({ bytes }) => (bytes ? formatBytes(bytes) : "–") },
  ];
  return h(DataTable, { label: "Stages of the run", columns, rows, keyOf: ({ stage }) => stage });
}

function StageName({ stage, dagId, runId, isLink }) {
  const way = taskPath(dagId, runId, stage);
  return isLink ? h(PageLink, { to: way, fontWeight: "semibold" }, stage) : h(Text, { fontWeight: "semibold" }, stage);
}

/** Returns a task's state in Airflow's own colours. */
function TaskState({ state, tries }) {
  const badge = h(
    Badge,
    { colorPalette: state ?? "none", variant: "solid", size: "sm" },
    plainCode(state ?? "not run"),
  );
  return h(
    Flex,
    { gap: 2, align: "center" },
    badge,
    tries > 1 && h(Muted, { fontSize: "xs", whiteSpace: "nowrap" }, `try ${tries}`),
  );
}

function Codes({ row, fate, onPick }) {
  const counts = row[fate];
  if (row.records_in === null || !counts.length) return h(Muted, null, row.records_in === null ? "–" : "0");
  const items = counts.map(({ code, words, count }) =>
    h(
      Button,
      {
        key: code,
        size: "2xs",
        variant: "subtle",
        colorPalette: paletteOf(fate),
        title: words,
        onClick: () => onPick({ fate, code, stage: row.stage }),
        "aria-label": `${formatCount(count)} ${fate}: ${words} Show them.`,
      },
      h(Text, { as: "span", fontWeight: "bold", fontVariantNumeric: "tabular-nums" }, formatCount(count)),
      h(Text, { as: "span", fontWeight: "normal" }, plainCode(code)),
    ),
  );
  return h(Flex, { gap: 1, wrap: "wrap" }, items);
}

function Notes({ row }) {
  const notes = row.notes.map(({ code, words, count }) =>
    h(Muted, { key: code, fontSize: "xs", title: words }, `${formatCount(count)} ${plainCode(code)}`),
  );
  const extra = listExtra(row).map((words) => h(Muted, { key: words, fontSize: "xs" }, words));
  return notes.length || extra.length ? h(Stack, { gap: 0.5 }, notes, extra) : h(Muted, null, "–");
}
