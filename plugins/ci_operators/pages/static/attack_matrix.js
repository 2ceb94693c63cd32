/** The ATT&CK matrix of the detections: tactics as columns, techniques as cells, darker with more detections. */

import { pagePath } from "./address.js";
import { useAnswer } from "./api.js";
import { PageLink } from "./badges.js";
import { DownloadButton, ExportMenu } from "./controls.js";
import { Box, Flex, Heading, html, Stack, Switch, Text, useMemo, useState } from "./element.js";
import { Answered, Empty, Lines } from "./empty.js";
import { usePeriod } from "./filters.js";
import { countOf, formatCount } from "./format.js";
import { Muted, Section } from "./section.js";

/** Returns the view: matrix, legend, detections without a code, exports. */
export function AttackView() {
  const period = usePeriod();
  const techniques = useAnswer("trends/techniques", period);
  const tactics = useAnswer("tactics");
  const [isWhole, setWhole] = useState(false);
  const edition = tactics.data ? `MITRE ATT&CK v${tactics.data.version}` : "MITRE ATT&CK";
  const actions = [
    html`<${WholeSwitch} key="whole" isWhole=${isWhole} setWhole=${setWhole} />`,
    html`<${ExportMenu} key="export" what="techniques" title="ATT&CK" parameters=${period} />`,
    html`
      <${DownloadButton} key="layer" path="navigator-layer" parameters=${period}>
        Export as ATT&CK Navigator layer
      <//>
    `,
  ];
  return html`
    <${Section} title="Detected techniques" note=${`${edition}, by tactic`} actions=${actions}>
      <${Answered} answer=${techniques} skeleton=${html`<${Lines} count=${6} height=${10} />`}>
        ${(found) => html`
          <${Answered} answer=${tactics}>
            ${(known) => html`<${Matrix} found=${found} tactics=${known.tactics} isWhole=${isWhole} />`}
          <//>
        `}
      <//>
    <//>
  `;
}

function WholeSwitch({ isWhole, setWhole }) {
  return html`
    <${Switch.Root} size="sm" checked=${isWhole} onCheckedChange=${({ checked }) => setWhole(checked)}>
      <${Switch.HiddenInput} />
      <${Switch.Control}><${Switch.Thumb} /><//>
      <${Switch.Label} color="fg.muted" fontWeight="normal">All tactics<//>
    <//>
  `;
}

function Matrix({ found, tactics, isWhole }) {
  const columns = useMemo(() => arrange(found.techniques, tactics), [found.techniques, tactics]);
  const most = Math.max(1, ...found.techniques.map(({ detections }) => detections));
  const shown = columns.filter(({ cells, isKnown }) => cells.length || (isWhole && isKnown));
  return html`
    <${Stack} gap="4">
      ${found.note && html`<${Muted} as="p" color="fg.error">${found.note}<//>`}
      <${Flex} gap="6" wrap="wrap" align="center">
        <${WithoutCodes} count=${found.without_codes} />
        ${found.techniques.length > 0 && html`<${Legend} most=${most} />`}
      <//>
      ${!shown.length && html`<${Empty} title="No ATT&CK codes in this time range" sentence=${EMPTY} />`}
      ${shown.length > 0 && html`
        <${Flex} gap="3" overflowX="auto" align="stretch" pb="2" tabIndex=${0} role="region" aria-label="ATT&CK matrix">
          ${shown.map((column) => html`<${Column} key=${column.id} column=${column} most=${most} />`)}
        <//>
      `}
    <//>
  `;
}

const EMPTY =
  "A detection has a code if its event names a technique that ATT&CK knows. Choose a longer time range, " +
  "or explain an event to see why it has none.";

function WithoutCodes({ count }) {
  if (!count) return html`<${Muted}>Every detection in this time range has a code.<//>`;
  const why = html`<${PageLink} to=${pagePath({ view: "explain" })}>explain one of them to see why<//>`;
  const words = `${countOf(count, "detection")} in this time range ${count === 1 ? "has" : "have"} no code: `;
  return html`<${Muted}>${words}${why}.<//>`;
}

function Column({ column, most }) {
  const { id, name, cells, detections } = column;
  const items = cells.map((cell) => html`<${TechniqueCell} key=${cell.code} cell=${cell} most=${most} />`);
  return html`
    <${Box} as="section" aria-label=${name} flex="1 0 9.5rem" maxW="15rem" minW="0">
      <${Box} borderBottomWidth=${2} borderColor="border.emphasized" pb="1" mb="2" minH="11">
        <${Heading} as="h3" size="xs">${name}<//>
        <${Muted} fontSize="xs">${[id, detections ? formatCount(detections) : ""].filter(Boolean).join(" · ")}<//>
      <//>
      <${Stack} as="ul" gap="1.5" listStyleType="none">${items}<//>
    <//>
  `;
}

/** Shades by share of the largest figure, each with a text color that is legible on it in both color modes. */
const DEPTHS = [
  { from: 0, bg: "transparent", color: "fg.muted" },
  { from: Number.MIN_VALUE, bg: "blue.500/12", color: "fg" },
  { from: 0.1, bg: "blue.500/28", color: "fg" },
  { from: 0.3, bg: "blue.500/50", color: "fg" },
  { from: 0.6, bg: "blue.solid", color: "blue.contrast" },
];

/** Returns a technique with its name, id and figure; `most` is the largest figure in the matrix. */
function TechniqueCell({ cell, most }) {
  const subs = cell.subs.map((sub) => html`
    <${Box} as="li" key=${sub.code} minW="0"><${TechniqueBox} technique=${sub} most=${most} isSub /><//>
  `);
  return html`
    <${Box} as="li" minW="0">
      <${TechniqueBox} technique=${cell} most=${most} />
      ${subs.length > 0 && html`<${Stack} as="ul" gap="1" mt="1" ms="3" listStyleType="none">${subs}<//>`}
    <//>
  `;
}

function TechniqueBox({ technique, most, isSub = false }) {
  const { code, name, detections } = technique;
  const { bg, color } = DEPTHS.findLast(({ from }) => detections / most >= from) ?? DEPTHS[0];
  const count = detections ? countOf(detections, "detection") : "only its sub-techniques";
  const title = [name, code, count].filter(Boolean).join(", ");
  return html`
    <${Box} bg=${bg} color=${color} borderRadius="sm" borderWidth="1px" px="2" py=${isSub ? "1" : "1.5"} tabIndex=${0}
        role="group" title=${title} aria-label=${title}>
      <${Text} fontSize="xs" fontWeight=${isSub ? "normal" : "semibold"} lineHeight="short" overflowWrap="anywhere">
        ${name || code}
      <//>
      <${Flex} justify="space-between" gap="2" fontSize="xs">
        <span>${name ? code : ""}</span>
        <${Box} as="span" fontWeight="semibold" fontVariantNumeric="tabular-nums">
          ${detections ? formatCount(detections) : ""}
        <//>
      <//>
    <//>
  `;
}

/** Returns the shades, each with the figure at which it begins. */
function Legend({ most }) {
  const firsts = DEPTHS.slice(1).map(({ from, bg }) => ({ count: Math.max(1, Math.ceil(from * most)), bg }));
  // With few detections several shades begin at the same figure: the darkest of them counts.
  const steps = firsts.filter(({ count }, index) => firsts[index + 1]?.count !== count);
  return html`
    <${Flex} gap="3" align="center" ms="auto">
      <${Muted} fontSize="xs">Detections<//>
      ${steps.map(({ count, bg }) => html`
        <${Flex} key=${count} gap="1.5" align="center">
          <${Box} aria-hidden bg=${bg} borderWidth="1px" borderRadius="sm" boxSize="3.5" />
          <${Muted} fontSize="xs">${formatCount(count)}${count === most ? "" : "+"}<//>
        <//>
      `)}
    <//>
  `;
}

/** Returns the tactics in ATT&CK's order, each with its techniques; techniques without a known tactic come last. */
function arrange(techniques, tactics) {
  const known = new Set(tactics.map(({ id }) => id));
  // If a source names only a tactic, the tactic is the detection's code.
  const placed = techniques.map((each) =>
    known.has(each.code) ? { ...each, name: "The tactic itself", tactics: [each.code] } : each,
  );
  const columns = tactics.map(({ id, name }) => {
    const here = placed.filter((each) => each.tactics.includes(id));
    return { id, name, isKnown: true, ...arrangeCells(here) };
  });
  const rest = placed.filter((each) => !each.tactics.some((id) => known.has(id)));
  return [...columns, { id: "", name: "Not in this version of ATT&CK", isKnown: false, ...arrangeCells(rest) }];
}

/** Returns a column's cells: techniques with the most detections first, each with its sub-techniques below it. */
function arrangeCells(techniques) {
  const parents = new Map();
  for (const each of techniques) {
    const code = each.code.split(".")[0];
    const parent = parents.get(code) ?? { code, name: each.parent_name ?? "", detections: 0, total: 0, subs: [] };
    parent.total += each.detections;
    if (each.code === code) Object.assign(parent, { name: each.name, detections: each.detections });
    else parent.subs.push(each);
    parents.set(code, parent);
  }
  const cells = [...parents.values()];
  cells.sort((one, other) => other.total - one.total || one.code.localeCompare(other.code));
  for (const cell of cells) cell.subs.sort((one, other) => other.detections - one.detections);
  return { cells, detections: cells.reduce((sum, { total }) => sum + total, 0) };
}
