/** The ATT&CK matrix of what was detected: tactics as columns, techniques as cells, the more detections the deeper. */

import { pagePath } from "./address.js";
import { useAnswer } from "./answers.js";
import { PageLink } from "./badges.js";
import { Chakra, h, useMemo, useState } from "./element.js";
import { Answered, Empty, Lines } from "./empty.js";
import { DownloadButton, ExportMenu } from "./exports.js";
import { usePeriod } from "./filters.js";
import { countOf, formatCount } from "./format.js";
import { Muted, Section } from "./section.js";
import { Legend, TechniqueCell } from "./technique_cell.js";

const { Box, Flex, Heading, Stack, Switch } = Chakra;

/** Returns the view: matrix, legend, what carries no code, exports. */
export function AttackView() {
  const period = usePeriod();
  const techniques = useAnswer("trends/techniques", period);
  const tactics = useAnswer("tactics");
  const [isWhole, setWhole] = useState(false);
  const actions = [
    h(WholeSwitch, { key: "whole", isWhole, setWhole }),
    h(ExportMenu, { key: "export", what: "techniques", title: "ATT&CK", parameters: period }),
    h(
      DownloadButton,
      { key: "layer", path: "navigator-layer", parameters: period },
      "Export as ATT&CK Navigator layer",
    ),
  ];
  return h(
    Section,
    { title: "Detected techniques", note: "MITRE ATT&CK, by tactic", actions },
    h(Answered, {
      answer: techniques,
      skeleton: h(Lines, { count: 6, height: 10 }),
      children: (found) =>
        h(Answered, { answer: tactics, children: (known) => h(Matrix, { found, tactics: known.tactics, isWhole }) }),
    }),
  );
}

function WholeSwitch({ isWhole, setWhole }) {
  return h(
    Switch.Root,
    { size: "sm", checked: isWhole, onCheckedChange: ({ checked }) => setWhole(checked) },
    h(Switch.HiddenInput),
    h(Switch.Control, null, h(Switch.Thumb)),
    h(Switch.Label, { color: "fg.muted", fontWeight: "normal" }, "All tactics"),
  );
}

function Matrix({ found, tactics, isWhole }) {
  const columns = useMemo(() => arrange(found.techniques, tactics), [found.techniques, tactics]);
  const most = Math.max(1, ...found.techniques.map(({ detections }) => detections));
  const shown = columns.filter(({ cells, isKnown }) => cells.length || (isWhole && isKnown));
  return h(
    Stack,
    { gap: 4 },
    found.note && h(Muted, { as: "p", color: "fg.error" }, found.note),
    h(
      Flex,
      { gap: 6, wrap: "wrap", align: "center" },
      h(WithoutCodes, { count: found.without_codes }),
      found.techniques.length > 0 && h(Legend, { most }),
    ),
    shown.length
      ? h(
          Flex,
          {
            gap: 3,
            overflowX: "auto",
            align: "stretch",
            pb: 2,
            tabIndex: 0,
            role: "region",
            "aria-label": "ATT&CK matrix",
          },
          shown.map((column) => h(Column, { key: column.id, column, most })),
        )
      : h(Empty, { title: "No ATT&CK codes in this time", sentence: EMPTY }),
  );
}

const EMPTY =
  "A detection carries a code when its event names a technique that ATT&CK knows. Choose a longer time range, " +
  "or explain one event to see why it has none.";

function WithoutCodes({ count }) {
  if (!count) return h(Muted, null, "Every detection of this time carries a code.");
  const why = h(PageLink, { to: pagePath({ view: "explain" }) }, "explain one of them to see why");
  return h(Muted, null, `${countOf(count, "detection")} of this time without any code: `, why, ".");
}

function Column({ column, most }) {
  const { id, name, cells, detections } = column;
  const items = cells.map((cell) => h(TechniqueCell, { key: cell.code, cell, most }));
  return h(
    Box,
    { as: "section", "aria-label": name, flex: "1 0 9.5rem", maxW: "15rem", minW: 0 },
    h(
      Box,
      { borderBottomWidth: 2, borderColor: "border.emphasized", pb: 1, mb: 2, minH: 11 },
      h(Heading, { as: "h3", size: "xs" }, name),
      h(Muted, { fontSize: "xs" }, [id, detections ? formatCount(detections) : ""].filter(Boolean).join(" · ")),
    ),
    h(Stack, { as: "ul", gap: 1.5, listStyleType: "none" }, items),
  );
}

/** Returns the tactics in ATT&CK's order, each with its techniques; those of no known tactic come last. */
function arrange(techniques, tactics) {
  const known = new Set(tactics.map(({ id }) => id));
  const placed = techniques.map((each) =>
    known.has(each.code) ? { ...each, ...OF_TACTIC, tactics: [each.code] } : each,
  );
  const columns = tactics.map(({ id, name }) => {
    return fill(
      id,
      name,
      true,
      placed.filter((each) => each.tactics.includes(id)),
    );
  });
  const rest = placed.filter((each) => !each.tactics.some((id) => known.has(id)));
  return [...columns, fill("", "Of no tactic in this ATT&CK", false, rest)];
}

/** A source may name a tactic alone: then that is the detection's code. */
const OF_TACTIC = { name: "The tactic itself" };

/** Returns a column; techniques of many detections come first, with their sub-techniques under them. */
function fill(id, name, isKnown, techniques) {
  const parents = new Map();
  for (const each of techniques) {
    const code = each.code.split(".")[0];
    const parent = parents.get(code) ?? { code, name: each.parent_name ?? "", detections: 0, total: 0, subs: [] };
    parent.total += each.detections;
    if (each.code === code) Object.assign(parent, { name: each.name, detections: each.detections });
    else parent.subs.push(each);
    parents.set(code, parent);
  }
  const cells = [...parents.values()].sort(
    (one, other) => other.total - one.total || one.code.localeCompare(other.code),
  );
  for (const cell of cells) cell.subs.sort((one, other) => other.detections - one.detections);
  return { id, name, isKnown, cells, detections: cells.reduce((sum, { total }) => sum + total, 0) };
}
