/** The tab on a DAG run: what became of the events of this window. */

import { useAddress } from "./address.js";
import { useAnswer } from "./answers.js";
import { Chakra, h, useCallback } from "./element.js";
import { Answered, Empty, Lines, Notice } from "./empty.js";
import { formatCount } from "./format.js";
import { Funnel } from "./funnel.js";
import { Records, scrollToRecords } from "./records.js";
import { RunFacts } from "./run_facts.js";
import { Section } from "./section.js";
import { StagesTable } from "./stages_table.js";

const { Box, Skeleton, Stack } = Chakra;

const LIVE_MS = 3_000;
const UNDER_WAY = new Set(["running", "queued", "scheduled"]);
const PREFIX = "collective_insights_";

/** Returns whether a run may still change. */
export function isUnderWay(run) {
  return UNDER_WAY.has(run?.state);
}

/** Returns the answer of api/run, asked again every few seconds while the run goes on. */
export function useRun(dagId, runId) {
  const everyMs = useCallback((run) => (isUnderWay(run) ? LIVE_MS : 0), []);
  const isOurs = dagId.startsWith(PREFIX); // the tab stands on every DAG of this Airflow
  return useAnswer(isOurs ? "run" : null, { dag_id: dagId, run_id: runId }, { everyMs });
}

/** Returns the tab. */
export function RunTab({ dagId, runId }) {
  const answer = useRun(dagId, runId);
  if (!dagId.startsWith(PREFIX)) return h(NotOurs);
  return h(
    Box,
    { p: 2, pt: 3 },
    h(Answered, { answer, skeleton: h(Waiting), children: (run) => h(Run, { run, dagId, runId }) }),
  );
}

/** Returns what stands on other people's DAGs. */
export function NotOurs() {
  return h(Empty, {
    title: "This DAG is no Collective Insights connector.",
    sentence: "Connectors are the DAGs whose names begin with collective_insights_.",
  });
}

function Waiting() {
  return h(Stack, { gap: 4 }, h(Lines, { count: 2 }), h(Skeleton, { h: 72 }), h(Lines, { count: 5 }));
}

function Run({ run, dagId, runId }) {
  const { set } = useAddress();
  const pick = useCallback(
    ({ fate = "", code = "", stage = "" }) => {
      set({ fate, code, stage });
      scrollToRecords();
    },
    [set],
  );
  const read = run.stages[0]?.records_in;
  return h(
    Stack,
    { gap: 4 },
    h(RunFacts, { run }),
    run.note && h(Notice, null, run.note),
    read > 0 &&
      h(
        Section,
        { title: `What became of ${formatCount(read)} ${read === 1 ? "event" : "events"}` },
        h(Funnel, { run, onPick: pick }),
      ),
    h(Section, { title: "Stages" }, h(StagesTable, { run, dagId, runId, onPick: pick })),
    h(Records, { run, dagId, runId }),
  );
}
