/** A run's counts as a graph: stages in a row, at each of them a branch for everything that leaves. */

import { capitalise, plainCode } from "./format.js";

/**
 * Returns {nodes, links, total, columns, tallest}: `tallest` is the number of nodes in the fullest column.
 * A node: {name, words, hint, count, fate, depth, pick}; `pick` is what a click on it filters by.
 */
export function makeFlow(run) {
  const stages = run.stages.filter(({ records_in: count }) => count !== null && count > 0);
  const flow = { nodes: [], links: [], total: stages[0]?.records_in ?? 0 };
  stages.forEach((stage, index) => addStage(flow, stage, index, stages[index - 1]));
  const last = stages.at(-1);
  if (last?.records_out > 0) addResults(flow, run, last, stages.length - 1);
  // A column shows its nodes in this order: the stream above, what branches off below it.
  const nodes = [...flow.nodes.filter(({ isStream }) => isStream), ...flow.nodes.filter(({ isStream }) => !isStream)];
  return { ...flow, nodes, columns: Math.max(0, ...nodes.map(({ depth }) => depth)) + 1, tallest: countTallest(nodes) };
}

function addStage(flow, stage, depth, before) {
  const words = depth === 0 ? "Events read" : capitalise(stage.stage);
  flow.nodes.push({
    name: stage.stage,
    words,
    count: stage.records_in,
    fate: "passed",
    depth,
    isStream: true,
    isHead: true,
    pick: { stage: stage.stage },
  });
  if (before) flow.links.push({ source: before.stage, target: stage.stage, value: stage.records_in, fate: "passed" });
  for (const [fate, counts] of [
    ["dropped", stage.dropped],
    ["quarantined", stage.quarantined],
  ]) {
    for (const { code, words: reason, count } of counts) {
      addLeaf(flow, stage.stage, depth, { fate, code, count, words: capitalise(plainCode(code)), hint: reason });
    }
  }
}

function addLeaf(flow, stage, depth, { fate, code, count, words, hint, pick, isStream = false }) {
  if (!(count > 0)) return;
  const name = `${stage}/${fate}/${code}`;
  const filter = pick ?? { fate, code, stage };
  flow.nodes.push({ name, words, hint: hint || words, count, fate, depth: depth + 1, isStream, pick: filter });
  flow.links.push({ source: stage, target: name, value: count, fate, pick: filter });
}

/** Add where the detections stand that the last stage passed on. */
function addResults(flow, run, last, depth) {
  const results = last.stage === "submit" ? splitDelivered(last, run.delivery) : [sayPassed(run, last)];
  const leaves = results.map(([fate, words, count, hint]) => ({
    fate,
    code: "result",
    count,
    words,
    hint,
    pick: { fate: "detection" },
  }));
  for (const leaf of leaves) addLeaf(flow, last.stage, depth, { ...leaf, isStream: true });
  const first = flow.nodes.find((node) => node.isStream && node.depth === depth + 1);
  if (first) first.isHead = true;
}

/** Returns [fate, words, count, hint] of what submit passed on; what came along from earlier runs does not count. */
function splitDelivered({ records_out: out }, delivery) {
  const waiting = Math.min(out, delivery?.waiting ?? 0);
  return [
    ["accepted", "Accepted", out - waiting, "Recorded Future has stored them."],
    ["waiting", "Waiting", waiting, "They wait for the next day's budget."],
  ];
}

function sayPassed(run, { stage, records_out: count }) {
  const checked = "A debug run: Recorded Future has checked them and stores nothing.";
  if (run.debug && stage === "validate") return ["accepted", "Checked", count, checked];
  return ["passed", run.state === "failed" ? "Stopped here" : `Passed by ${stage}`, count];
}

function countTallest(nodes) {
  const columns = new Map();
  for (const { depth } of nodes) columns.set(depth, (columns.get(depth) ?? 0) + 1);
  return Math.max(1, ...columns.values());
}
