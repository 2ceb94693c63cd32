/** One technique of the ATT&CK matrix, its sub-techniques under it, and what the depths of colour mean. */

import { Chakra, h } from "./element.js";
import { countOf, formatCount } from "./format.js";
import { Muted } from "./section.js";

const { Box, Flex, Stack, Text } = Chakra;

/** Depths of colour, each with a text colour that reads well on it in both modes; by share of the most frequent. */
const DEPTHS = [
  [0, "transparent", "fg.muted"],
  [Number.MIN_VALUE, "blue.500/12", "fg"],
  [0.1, "blue.500/28", "fg"],
  [0.3, "blue.500/50", "fg"],
  [0.6, "blue.solid", "blue.contrast"],
];

function depthOf(count, most) {
  return DEPTHS.findLast(([share]) => count / most >= share);
}

/** Returns a technique with its name, id and figure; `most` is the matrix's largest figure. */
export function TechniqueCell({ cell, most }) {
  return h(
    Box,
    { as: "li", minW: 0 },
    h(Cell, { technique: cell, most }),
    cell.subs.length > 0 &&
      h(
        Stack,
        { as: "ul", gap: 1, mt: 1, ms: 3, listStyleType: "none" },
        cell.subs.map((sub) =>
          h(Box, { as: "li", key: sub.code, minW: 0 }, h(Cell, { technique: sub, most, isSub: true })),
        ),
      ),
  );
}

function Cell({ technique, most, isSub = false }) {
  const { code, name, detections } = technique;
  const [, bg, color] = depthOf(detections, most);
  const title = [name, code, detections ? countOf(detections, "detection") : "only its sub-techniques"]
    .filter(Boolean)
    .join(", ");
  return h(
    Box,
    {
      bg,
      color,
      borderRadius: "sm",
      borderWidth: 1,
      px: 2,
      py: isSub ? 1 : 1.5,
      tabIndex: 0,
      title,
      role: "group",
      "aria-label": title,
    },
    h(
      Text,
      { fontSize: "xs", fontWeight: isSub ? "normal" : "semibold", lineHeight: "short", overflowWrap: "anywhere" },
      name || code,
    ),
    h(
      Flex,
      { justify: "space-between", gap: 2, fontSize: "xs" },
      h("span", null, name ? code : ""),
      h(
        Box,
        { as: "span", fontWeight: "semibold", fontVariantNumeric: "tabular-nums" },
        detections ? formatCount(detections) : "",
      ),
    ),
  );
}

/** Returns the depths of colour with the figures they begin at. */
export function Legend({ most }) {
  const firsts = DEPTHS.slice(1).map(([share, bg], index) => [index === 0 ? 1 : Math.ceil(share * most), bg]);
  // With few detections several depths begin at the same figure: the deepest of them counts.
  const steps = firsts.filter(([from], index) => firsts[index + 1]?.[0] !== from);
  return h(
    Flex,
    { gap: 3, align: "center", ms: "auto" },
    h(Muted, { fontSize: "xs" }, "Detections"),
    steps.map(([from, bg]) =>
      h(
        Flex,
        { key: from, gap: 1.5, align: "center" },
        h(Box, { "aria-hidden": true, bg, borderWidth: 1, borderRadius: "sm", boxSize: 3.5 }),
        h(Muted, { fontSize: "xs" }, from === most ? formatCount(from) : `${formatCount(from)}+`),
      ),
    ),
  );
}
