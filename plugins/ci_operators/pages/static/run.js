/** The tabs on a DAG run and on a task instance: what happened to the events of a run, and at one stage. */

import { runPath, useAddress } from "./address.js";
import { useAnswer } from "./api.js";
import { DebugBadge, PageLink } from "./badges.js";
import { Box, Flex, html, SimpleGrid, Skeleton, Stack, useCallback } from "./element.js";
import { Answered, Empty, Lines, Notice } from "./empty.js";
import { countOf, formatCount, formatDuration, formatWindow } from "./format.js";
import { Funnel } from "./funnel.js";
import { Records, scrollToRecords } from "./records.js";
import { Facts, Figure, Section } from "./section.js";
import { StageCodes, StagesTable } from "./stages.js";

const LIVE_MS = 3_000;
const UNDER_WAY = new Set(["running", "queued", "scheduled"]); // a run in these states can still change

/** Returns whether a DAG is a connector: Airflow shows the tabs on every DAG. */
function isOurs(dagId) {
  return dagId.startsWith("collective_insights_");
}

/** Returns the answer of api/run, loaded again every few seconds while the run is not finished. */
function useRun(dagId, runId) {
  const everyMs = useCallback((run) => (UNDER_WAY.has(run?.state) ? LIVE_MS : 0), []);
  return useAnswer(isOurs(dagId) ? "run" : null, { dag_id: dagId, run_id: runId }, { everyMs });
}

/** Returns the tab on a DAG run. */
export function RunTab({ dagId, runId }) {
  const answer = useRun(dagId, runId);
  if (!isOurs(dagId)) return html`<${NotOurs} />`;
  return html`
    <${Box} p="2" pt="3">
      <${Answered} answer=${answer} skeleton=${html`<${Waiting} />`}>
        ${(run) => html`<${Run} run=${run} dagId=${dagId} runId=${runId} />`}
      <//>
    <//>
  `;
}

/** Returns the content of the tab on a DAG that is not a connector. */
function NotOurs() {
  return html`
    <${Empty} title="This DAG is not a Collective Insights connector."
        sentence="Connectors are the DAGs whose names begin with collective_insights_." />
  `;
}

function Waiting() {
  return html`<${Stack} gap="4"><${Lines} count=${2} /><${Skeleton} h="72" /><${Lines} count=${5} /><//>`;
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
  return html`
    <${Stack} gap="4">
      <${RunFacts} run=${run} />
      ${run.note && html`<${Notice}>${run.note}<//>`}
      ${read > 0 && html`
        <${Section} title="What happened to ${countOf(read, "event")}"><${Funnel} run=${run} onPick=${pick} /><//>
      `}
      <${Section} title="Stages"><${StagesTable} run=${run} dagId=${dagId} runId=${runId} onPick=${pick} /><//>
      <${Records} run=${run} dagId=${dagId} runId=${runId} />
    <//>
  `;
}

/** Returns the facts of a run in one line: window, reading, duration. Airflow's header has state and start. */
function RunFacts({ run }) {
  const { window, overlap_s: overlap, waited_s: waited } = run;
  const resent = run.delivery?.resent_unknown;
  const length = window ? formatDuration((Date.parse(window.until) - Date.parse(window.since)) / 1000) : "";
  const facts = [
    ["Connector", html`<${ConnectorName} run=${run} />`],
    ["Window", window && formatWindow(window.since, window.until), length],
    ["Length", length],
    ["Basis", window?.basis, "Where the window comes from"],
    ["Overlap", overlap > 0 ? formatDuration(overlap) : "", READ_BACK],
    ["Pages read", run.pages === null ? "" : formatCount(run.pages)],
    ["Sent again", resent > 0 ? countOf(resent, "detection") : "", RESENT],
    ["Waited for rate limits", waited > 0 ? formatDuration(waited) : ""],
    ["Working time", formatDuration(run.duration_s), "Without the time that tasks waited for a worker"],
  ];
  return html`<${Flex} gap="3" align="start" wrap="wrap" px="1"><${Facts} flex="1" facts=${facts} /><//>`;
}

const READ_BACK = "How far the window reads back into the one before, for events published late";
const RESENT = "Sent again because the outcome was unknown. Recorded Future may have stored them twice.";

function ConnectorName({ run }) {
  return html`
    <${Flex} as="span" gap="2" align="center">
      ${run.connector} (${run.source_title})
      ${run.debug && html`<${DebugBadge} />`}
    <//>
  `;
}

/** Returns the tab on a task instance: what one stage did with the events of the run. */
export function TaskTab({ dagId, runId, taskId }) {
  const answer = useRun(dagId, runId);
  const draw = (run) => {
    const stage = run.stages.find((each) => each.stage === taskId);
    return stage ? html`<${Stage} run=${run} stage=${stage} dagId=${dagId} runId=${runId} />` : html`<${NotOurs} />`;
  };
  if (!isOurs(dagId)) return html`<${NotOurs} />`;
  return html`<${Box} p="2" pt="3"><${Answered} answer=${answer}>${draw}<//><//>`;
}

function Stage({ run, stage, dagId, runId }) {
  const { set } = useAddress();
  const pick = (picked) => {
    set(picked);
    scrollToRecords();
  };
  const hasRun = stage.records_in !== null;
  const missing = `No figures for ${stage.stage} yet`;
  return html`
    <${Stack} gap="4">
      <${RunFacts} run=${run} />
      <${PageLink} to=${runPath(dagId, runId)} fontSize="sm" alignSelf="start" px="1">See the whole run<//>
      ${run.note && html`<${Notice}>${run.note}<//>`}
      ${!hasRun && html`<${Empty} icon="clock" title=${missing} sentence=${sayWhy(run)} />`}
      ${hasRun && html`<${StageFigures} stage=${stage} />`}
      ${hasRun && html`
        <${Section} title="What it dropped or quarantined"><${StageCodes} stage=${stage} onPick=${pick} /><//>
      `}
      ${hasRun && html`<${Records} run=${run} dagId=${dagId} runId=${runId} only=${stage.stage} />`}
    <//>
  `;
}

function sayWhy(run) {
  if (run.debug)
    return "A debug run submits nothing. Recorded Future checks the detections and stores nothing.";
  if (run.state === "success") return "The run ended before this stage because nothing was left to do.";
  return "The figures appear when the task succeeds.";
}

function StageFigures({ stage }) {
  const count = (codes) => codes.reduce((sum, each) => sum + each.count, 0);
  const [dropped, quarantined] = [count(stage.dropped), count(stage.quarantined)];
  return html`
    <${SimpleGrid} columns=${{ base: 2, lg: 5 }} gap="3">
      <${Figure} name="In" value=${formatCount(stage.records_in)} />
      <${Figure} name="Dropped" value=${formatCount(dropped)} />
      <${Figure} name="Quarantined" value=${formatCount(quarantined)} palette=${quarantined ? "orange" : undefined} />
      <${Figure} name="Out" value=${formatCount(stage.records_out)} />
      <${Figure} name="Took" value=${formatDuration(stage.duration_s)} />
    <//>
  `;
}
