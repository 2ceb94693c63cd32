/** An event's way through runs and stages, as a vertical line with a mark for each stage. */

import { runPath } from "./address.js";
import { DebugBadge, FateBadge, Moment, PageLink } from "./badges.js";
import { paletteOf } from "./colours.js";
import { Chakra, h } from "./element.js";
import { formatWindow } from "./format.js";
import { Icon } from "./icons.js";
import { Muted } from "./section.js";

const { Box, Flex, Stack, Text, Timeline } = Chakra;

const ICONS = {
  passed: "check",
  accepted: "check",
  replayed: "check",
  dropped: "minus",
  quarantined: "warning",
  rejected: "cross",
  unknown: "question",
};

/** Returns the way: run by run, in each of them stage by stage. `runs` adds their windows where known. */
export function Trail({ steps, runs }) {
  return h(
    Stack,
    { gap: 5 },
    groupByRun(steps).map((group) => {
      const [{ connector, run_id: runId }] = group;
      const run = runs.find((each) => each.connector === connector && each.run_id === runId);
      return h(RunSteps, { key: `${connector} ${runId}`, steps: group, run });
    }),
  );
}

function groupByRun(steps) {
  const groups = new Map();
  for (const step of steps) {
    const key = `${step.connector} ${step.run_id}`;
    groups.set(key, [...(groups.get(key) ?? []), step]);
  }
  return [...groups.values()];
}

function RunSteps({ steps, run }) {
  const [{ connector, run_id: runId, dag_id: dagId }] = steps;
  return h(
    Box,
    { as: "section", "aria-label": `Run ${runId} of ${connector}` },
    h(
      Flex,
      { gap: 2, align: "center", wrap: "wrap", mb: 1 },
      h(Text, { as: "h3", fontWeight: "semibold", fontSize: "sm" }, connector),
      run?.debug && h(DebugBadge),
      h(PageLink, { to: runPath(dagId, runId), fontSize: "sm", overflowWrap: "anywhere" }, runId),
    ),
    run && h(Muted, { as: "p", fontSize: "xs", mb: 3 }, `window ${formatWindow(run.since, run.until)}`),
    h(
      Timeline.Root,
      { size: "sm", variant: "subtle" },
      steps.map((step) => h(Step, { key: `${step.stage} ${step.fate}`, step })),
    ),
  );
}

function Step({ step }) {
  const { stage, fate, code, words, faq, at } = step;
  const palette = fate === "passed" ? "brand" : fate === "replayed" ? "green" : paletteOf(fate);
  return h(
    Timeline.Item,
    { colorPalette: palette },
    h(
      Timeline.Connector,
      null,
      h(Timeline.Separator),
      h(
        Timeline.Indicator,
        { bg: `${palette}.muted`, color: `${palette}.fg` },
        h(Icon, { name: ICONS[fate] ?? "clock", boxSize: 3 }),
      ),
    ),
    h(
      Timeline.Content,
      { pb: 4, gap: 0.5, minW: 0 },
      h(
        Timeline.Title,
        { flexWrap: "wrap", fontSize: "sm" },
        stage,
        fate !== "passed" && h(FateBadge, { fate }),
        at && h(Muted, { fontSize: "xs", fontWeight: "normal" }, h(Moment, { at })),
      ),
      words &&
        h(Text, { fontSize: "sm", color: fate === "passed" ? "fg.muted" : "fg", overflowWrap: "anywhere" }, words),
      (code || faq) && h(Muted, { fontSize: "xs", overflowWrap: "anywhere" }, [code, faq].filter(Boolean).join(" · ")),
    ),
  );
}
