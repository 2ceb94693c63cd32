/** The path of an event through runs and stages, as a vertical line with a mark for each stage. */

import { runPath } from "./address.js";
import { DebugBadge, FateBadge, Icon, Moment, PageLink } from "./badges.js";
import { markOf } from "./colors.js";
import { Box, Flex, html, Stack, Text, Timeline } from "./element.js";
import { formatWindow } from "./format.js";
import { Muted } from "./section.js";

/** Returns the path: run by run, and stage by stage in each run. `runs` adds their windows if they are known. */
export function Trail({ steps, runs }) {
  const groups = groupByRun(steps).map((group) => {
    const [{ connector, run_id: runId }] = group;
    const run = runs.find((each) => each.connector === connector && each.run_id === runId);
    return html`<${RunSteps} key="${connector} ${runId}" steps=${group} run=${run} />`;
  });
  return html`<${Stack} gap="5">${groups}<//>`;
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
  return html`
    <${Box} as="section" aria-label="Run ${runId} of ${connector}">
      <${Flex} gap="2" align="center" wrap="wrap" mb="1">
        <${Text} as="h3" fontWeight="semibold" fontSize="sm">${connector}<//>
        ${run?.debug && html`<${DebugBadge} />`}
        <${PageLink} to=${runPath(dagId, runId)} fontSize="sm" overflowWrap="anywhere">${runId}<//>
      <//>
      ${run && html`<${Muted} as="p" fontSize="xs" mb="3">window ${formatWindow(run.since, run.until)}<//>`}
      <${Timeline.Root} size="sm" variant="subtle">
        ${steps.map((step) => html`<${Step} key="${step.stage} ${step.fate}" step=${step} />`)}
      <//>
    <//>
  `;
}

function Step({ step }) {
  const { stage, fate, code, words, faq, at } = step;
  const [icon, palette] = markOf(fate);
  const tone = fate === "passed" ? "fg.muted" : "fg";
  const note = [code, faq].filter(Boolean).join(" · ");
  return html`
    <${Timeline.Item} colorPalette=${palette}>
      <${Timeline.Connector}>
        <${Timeline.Separator} />
        <${Timeline.Indicator} bg="${palette}.muted" color="${palette}.fg">
          <${Icon} name=${icon} boxSize="3" />
        <//>
      <//>
      <${Timeline.Content} pb="4" gap="0.5" minW="0">
        <${Timeline.Title} flexWrap="wrap" fontSize="sm">
          ${stage}
          ${fate !== "passed" && html`<${FateBadge} fate=${fate} />`}
          ${at && html`<${Muted} fontSize="xs" fontWeight="normal"><${Moment} at=${at} /><//>`}
        <//>
        ${words && html`<${Text} fontSize="sm" color=${tone} overflowWrap="anywhere">${words}<//>`}
        ${note && html`<${Muted} fontSize="xs" overflowWrap="anywhere">${note}<//>`}
      <//>
    <//>
  `;
}
