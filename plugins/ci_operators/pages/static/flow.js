/** A run's counts as a graph: stages in a row, at each of them a branch for everything that leaves. */

import { capitalise, plainCode } from "./format.js";

/**
 * Returns {nodes, links, total, columns, tallest}: `tallest` is the number of nodes in the fullest column.
 * A node: {name, words, hint, count, fate, depth, pick}; `pick` is what a click on it filters by.
 */
export function makeFlow(run) {
  const stages = run.stages.filter(({ records_in: count }) => count !== null && count > 0);
  const flow = { nodes: [], links: [], total: stages[0]?.records_in ?? 0 };
  for (const [index, stage] of stages.entries()) addStage(flow, stage, index, stages[index - 1]);
  const last = stages.at(-1);
  if (last?.records_out > 0) addResults(flow, run, last, stages.length - 1);
  // A column shows its nodes in this order: the stream above, what branches off below it.
  const nodes = [...flow.nodes.filter(({ isStream }) => isStream), ...flow.nodes.filter(({ isStream }) => !isStream)];
  return { ...flow, nodes, columns: Math.max(0, ...nodes.map(({ depth }) => depth)) + 1, tallest: countTallest(nodes) };
}

function addStage(flow, { stage, records_in: count, ...left }, depth, before) {
  const words = depth === 0 ? "Events read" : capitalise(stage);
  flow.nodes.push({ name: stage, words, count, fate: "passed", depth, isStream: true, isHead: true, pick: { stage } });
  if (before) flow.links.push({ source: before.stage, target: stage, value: count, fate: "passed" });
  for (const fate of ["dropped", "quarantined"]) {
    for (const { code, words: hint, count } of left[fate]) {
      const words = capitalise(plainCode(code));
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

/** Add where the detections are that the last stage passed on. */
function addResults(flow, run, last, depth) {
  const results = last.stage === "submit" ? splitDelivered(last, run.delivery) : [sayPassed(run, last)];
  const pick = { fate: "detection" };
  for (const result of results)
    addLeaf(flow, last.stage, { ...result, name: "result", depth: depth + 1, isStream: true, pick });
  const first = flow.nodes.find((node) => node.isStream && node.depth === depth + 1);
  if (first) first.isHead = true;
}

/** Returns what submit passed on, by what became of it; what came along from earlier runs does not count. */
function splitDelivered({ records_out: out }, delivery) {
  const waiting = Math.min(out, delivery?.waiting ?? 0);
  return [
    { fate: "accepted", words: "Accepted", count: out - waiting, hint: "Recorded Future has stored them." },
    { fate: "waiting", words: "Waiting", count: waiting, hint: "They wait for the next day's budget." },
  ];
}

function sayPassed(run, { stage, records_out: count }) {
  const hint = "A debug run: Recorded Future has checked them and stores nothing.";
  if (run.debug && stage === "validate") return { fate: "accepted", words: "Checked", count, hint };
  return { fate: "passed", words: run.state === "failed" ? "Stopped here" : `Passed by ${stage}`, count };
}

function countTallest(nodes) {
  const columns = new Map();
  for (const { depth } of nodes) columns.set(depth, (columns.get(depth) ?? 0) + 1);
  return Math.max(1, ...columns.values());
}
