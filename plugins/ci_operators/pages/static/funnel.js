/** The funnel of a run as a picture: the events flow from stage to stage; what leaves branches off with its reason. */

import { Chart, plainTooltip } from "./chart.js";
import { areaToken } from "./colours.js";
import { Box, html, useMemo } from "./element.js";
import { makeFlow } from "./flow.js";
import { formatCount, formatShare } from "./format.js";

const ROW = 42;
const LAST_LABEL = 124;
const HEADS = 44;

/** Returns the picture; `onPick` gets the {fate, code, stage} of a clicked branch. A table has the figures too. */
export function Funnel({ run, onPick }) {
  const flow = useMemo(() => makeFlow(run), [run]);
  const makeOption = useMemo(() => (colour, width) => drawFlow(flow, colour, width), [flow]);
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

function drawFlow({ nodes, links, total, columns }, colour, width) {
  const pitch = (width - LAST_LABEL) / Math.max(1, columns - 1);
  const nameOf = new Map(nodes.map((node) => [node.name, node]));
  const area = ({ fate }) => colour(areaToken(fate));
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
    layoutIterations: 0, // in the order given: the main stream above, branches below
    draggable: false,
    emphasis: { focus: "adjacency" },
    label: makeLabel(colour, nameOf),
    lineStyle: { opacity: 0.35, curveness: 0.5 },
    data: nodes.map((node) => ({
      ...node,
      itemStyle: { color: area(node), borderWidth: 0 },
      label: placeLabel(node, pitch, roomOf(node)),
    })),
    links: links.map((link) => ({ ...link, lineStyle: { color: area(link) } })),
  };
  return {
    tooltip: plainTooltip(colour, ({ data }) => explain(data, nameOf, total), { confine: true }),
    series: [series],
  };
}

/** Returns where a node's words stand: over the stream's nodes, beside the others, as far as the next of these. */
function placeLabel({ isHead, depth }, pitch, room) {
  const width = isHead && depth > 0 ? Math.min(pitch, LAST_LABEL) - 8 : room - 20;
  return isHead ? { position: [0, 8 - HEADS], width } : { position: "right", distance: 6, width };
}

function makeLabel(colour, nameOf) {
  const halo = { textBorderColor: colour("bg"), textBorderWidth: 3 };
  return {
    overflow: "truncate",
    lineHeight: 15,
    rich: {
      figure: { fontWeight: "bold", fontSize: 12, color: colour("fg"), ...halo },
      words: { fontSize: 11, color: colour("fg.muted"), ...halo },
    },
    formatter: ({ name }) => {
      const { count, words } = nameOf.get(name);
      return `{figure|${formatCount(count)}}\n{words|${plain(words)}}`;
    },
  };
}

/** Returns the words without what the library takes for markup. */
function plain(words) {
  return words.replace(/[{}|]/g, " ");
}

function explain(data, nameOf, total) {
  const node = nameOf.get(data.name) ?? nameOf.get(data.target);
  const count = data.value ?? node.count;
  return plain(`${node.hint ?? node.words}\n${formatCount(count)}, ${formatShare(count, total)} of the events read`);
}
