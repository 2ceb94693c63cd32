/**
 * The funnel of a run as a chart: events flow from stage to stage, and what is left out branches off with its reason.
 * The counts become a graph first, then the graph becomes a chart.
 */

import { Chart, plainTooltip } from "./chart.js";
import { areaToken } from "./colors.js";
import { Box, html, useMemo } from "./element.js";
import { capitalize, formatCount, formatShare, plainCode } from "./format.js";

const ROW = 42;
const LAST_LABEL = 124;
const HEADS = 44;

/** Returns the chart; `onPick` gets the {fate, code, stage} of a clicked branch. A table has the figures too. */
export function Funnel({ run, onPick }) {
  const flow = useMemo(() => makeFlow(run), [run]);
  const makeOption = useMemo(() => (color, width) => drawFlow(flow, color, width), [flow]);
  const pick = useMemo(() => (data) => data?.pick && onPick(data.pick), [onPick]);
  const height = Math.max(200, 140 + flow.tallest * ROW);
  return html`
    <${Box} overflowX="auto" tabIndex=${0} role="region" aria-label="Funnel of the run">
      <${Chart} label=${describe(flow)} height=${height} makeOption=${makeOption} onPick=${pick} minW="36rem" />
    <//>
  `;
}

function describe({ nodes, links }) {
  const words = links.map(({ source, target, value }) => {
    const [from, to] = [source, target].map((name) => nodes.find((node) => node.name === name).words);
    return `${from} to ${to}: ${formatCount(value)}`;
  });
  return `Flow of the run's events. ${words.join("; ")}.`;
}

/**
 * Returns {nodes, links, total, columns, tallest}: `tallest` is the number of nodes in the fullest column.
 * A node: {name, words, hint, count, fate, depth, pick}; `pick` is what a click on it filters by.
 */
function makeFlow(run) {
  const stages = run.stages.filter(({ records_in: count }) => count !== null && count > 0);
  const flow = { nodes: [], links: [], total: stages[0]?.records_in ?? 0 };
  for (const [index, stage] of stages.entries()) addStage(flow, stage, index, stages[index - 1]);
  const last = stages.at(-1);
  if (last?.records_out > 0) addResults(flow, run, last, stages.length - 1);
  // Nodes of a column are drawn in this order: the stream at the top, branches below it.
  const nodes = [...flow.nodes.filter(({ isStream }) => isStream), ...flow.nodes.filter(({ isStream }) => !isStream)];
  return { ...flow, nodes, columns: Math.max(0, ...nodes.map(({ depth }) => depth)) + 1, tallest: countTallest(nodes) };
}

function addStage(flow, { stage, records_in: count, ...left }, depth, before) {
  const words = depth === 0 ? "Events read" : capitalize(stage);
  flow.nodes.push({ name: stage, words, count, fate: "passed", depth, isStream: true, isHead: true, pick: { stage } });
  if (before) flow.links.push({ source: before.stage, target: stage, value: count, fate: "passed" });
  for (const fate of ["dropped", "quarantined"]) {
    for (const { code, words: hint, count } of left[fate]) {
      const words = capitalize(plainCode(code));
      addLeaf(flow, stage, { fate, name: code, words, hint, count, depth: depth + 1, pick: { fate, code, stage } });
    }
  }
}

function addLeaf(flow, stage, leaf) {
  if (!(leaf.count > 0)) return;
  const name = `${stage}/${leaf.fate}/${leaf.name}`;
  flow.nodes.push({ ...leaf, name, hint: leaf.hint || leaf.words });
  flow.links.push({ source: stage, target: name, value: leaf.count, fate: leaf.fate, pick: leaf.pick });
}

/** Adds the outcomes of the detections that the last stage passed on. */
function addResults(flow, run, last, depth) {
  const results = last.stage === "submit" ? splitDelivered(last, run.delivery) : [sayPassed(run, last)];
  const pick = { fate: "detection" };
  for (const result of results)
    addLeaf(flow, last.stage, { ...result, name: "result", depth: depth + 1, isStream: true, pick });
  const first = flow.nodes.find((node) => node.isStream && node.depth === depth + 1);
  if (first) first.isHead = true;
}

/** Returns the detections that submit passed on, by outcome, without those that waited since earlier runs. */
function splitDelivered({ records_out: out }, delivery) {
  const waiting = Math.min(out, delivery?.waiting ?? 0);
  return [
    { fate: "accepted", words: "Accepted", count: out - waiting, hint: "Recorded Future has stored them." },
    { fate: "waiting", words: "Waiting", count: waiting, hint: "They wait for the next day's budget." },
  ];
}

function sayPassed(run, { stage, records_out: count }) {
  const hint = "A debug run: Recorded Future checked them and stored nothing.";
  if (run.debug && stage === "validate") return { fate: "accepted", words: "Checked", count, hint };
  return { fate: "passed", words: run.state === "failed" ? "Stopped here" : `Passed by ${stage}`, count };
}

function countTallest(nodes) {
  const columns = new Map();
  for (const { depth } of nodes) columns.set(depth, (columns.get(depth) ?? 0) + 1);
  return Math.max(1, ...columns.values());
}

function drawFlow({ nodes, links, total, columns }, color, width) {
  const pitch = (width - LAST_LABEL) / Math.max(1, columns - 1);
  const nameOf = new Map(nodes.map((node) => [node.name, node]));
  const area = ({ fate }) => color(areaToken(fate));
  const branched = new Set(nodes.filter(({ isHead }) => !isHead).map(({ depth }) => depth));
  const roomOf = ({ depth }) => {
    const next = [...branched].filter((each) => each > depth).sort((one, other) => one - other)[0];
    return next === undefined ? (columns - 1 - depth) * pitch + LAST_LABEL : (next - depth) * pitch;
  };
  const series = {
    type: "sankey",
    left: 4,
    right: LAST_LABEL,
    top: HEADS,
    bottom: 16,
    nodeWidth: 10,
    nodeGap: 34,
    nodeAlign: "left",
    layoutIterations: 0, // keeps the given order: the stream at the top, branches below
    draggable: false,
    emphasis: { focus: "adjacency" },
    label: makeLabel(color, nameOf),
    lineStyle: { opacity: 0.35, curveness: 0.5 },
    data: nodes.map((node) => ({
      ...node,
      itemStyle: { color: area(node), borderWidth: 0 },
      label: placeLabel(node, pitch, roomOf(node)),
    })),
    links: links.map((link) => ({ ...link, lineStyle: { color: area(link) } })),
  };
  return {
    tooltip: plainTooltip(color, ({ data }) => explain(data, nameOf, total), { confine: true }),
    series: [series],
  };
}

/** Returns the label position of a node: above it in the stream, else beside it, up to the next column. */
function placeLabel({ isHead, depth }, pitch, room) {
  const width = isHead && depth > 0 ? Math.min(pitch, LAST_LABEL) - 8 : room - 20;
  return isHead ? { position: [0, 8 - HEADS], width } : { position: "right", distance: 6, width };
}

function makeLabel(color, nameOf) {
  const halo = { textBorderColor: color("bg"), textBorderWidth: 3 };
  return {
    overflow: "truncate",
    lineHeight: 15,
    rich: {
      figure: { fontWeight: "bold", fontSize: 12, color: color("fg"), ...halo },
      words: { fontSize: 11, color: color("fg.muted"), ...halo },
    },
    formatter: ({ name }) => {
      const { count, words } = nameOf.get(name);
      return `{figure|${formatCount(count)}}\n{words|${plain(words)}}`;
    },
  };
}

/** Returns the words without characters that the library treats as markup. */
function plain(words) {
  return words.replace(/[{}|]/g, " ");
}

function explain(data, nameOf, total) {
  const node = nameOf.get(data.name) ?? nameOf.get(data.target);
  const count = data.value ?? node.count;
  return plain(`${node.hint ?? node.words}\n${formatCount(count)}, ${formatShare(count, total)} of the events read`);
}
