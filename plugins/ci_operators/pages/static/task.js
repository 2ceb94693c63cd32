/** The tab on a task instance: what one stage made of the run's events. */

import { runPath, useAddress } from "./address.js";
import { PageLink } from "./badges.js";
import { Chakra, h } from "./element.js";
import { Answered, Empty, Notice } from "./empty.js";
import { formatCount, formatDuration } from "./format.js";
import { Records, scrollToRecords } from "./records.js";
import { NotOurs, useRun } from "./run.js";
import { RunFacts } from "./run_facts.js";
import { Figure, Section } from "./section.js";
import { StageCodes } from "./stage_codes.js";

const { Box, SimpleGrid, Stack } = Chakra;

/** Returns the tab. */
export function TaskTab({ dagId, runId, taskId }) {
  const answer = useRun(dagId, runId);
  if (!dagId.startsWith("collective_insights_")) return h(NotOurs);
  return h(
    Box,
    { p: 2, pt: 3 },
    h(Answered, {
      answer,
      children: (run) => {
        const stage = run.stages.find((each) => each.stage === taskId);
        return stage ? h(Stage, { run, stage, dagId, runId }) : h(NotOurs);
      },
    }),
  );
}

function Stage({ run, stage, dagId, runId }) {
  const { set } = useAddress();
  const pick = (picked) => {
    set(picked);
    scrollToRecords();
  };
  const hasRun = stage.records_in !== null;
  return h(
    Stack,
    { gap: 4 },
    h(RunFacts, { run }),
    h(PageLink, { to: runPath(dagId, runId), fontSize: "sm", alignSelf: "start", px: 1 }, "See the whole run"),
    run.note && h(Notice, null, run.note),
    hasRun
      ? h(Figures, { stage })
      : h(Empty, { icon: "clock", title: `${stage.stage} has left no figures yet`, sentence: sayWhy(run) }),
    hasRun && h(Section, { title: "What it left out" }, h(StageCodes, { stage, onPick: pick })),
    hasRun && h(Records, { run, dagId, runId, only: stage.stage }),
  );
}

function sayWhy(run) {
  if (run.debug)
    return "In a debug run nothing is submitted: Recorded Future has checked the detections and stores nothing.";
  if (run.state === "success") return "The run ended before it: nothing was left to do.";
  return "The figures appear here when the task has ended well.";
}

function Figures({ stage }) {
  const count = (codes) => codes.reduce((sum, each) => sum + each.count, 0);
  const [dropped, quarantined] = [count(stage.dropped), count(stage.quarantined)];
  return h(
    SimpleGrid,
    { columns: { base: 2, lg: 5 }, gap: 3 },
    h(Figure, { name: "In", value: formatCount(stage.records_in) }),
    h(Figure, { name: "Dropped", value: formatCount(dropped) }),
    h(Figure, { name: "Quarantined", value: formatCount(quarantined), palette: quarantined ? "orange" : undefined }),
    h(Figure, { name: "Out", value: formatCount(stage.records_out) }),
    h(Figure, { name: "Took", value: formatDuration(stage.duration_s) }),
  );
}
