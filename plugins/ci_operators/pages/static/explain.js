/** Why did this event not arrive? A search box for an event's id or an indicator, and everything known about it. */

import { useAddress } from "./address.js";
import { useAnswer } from "./api.js";
import { Icon } from "./badges.js";
import { markOf } from "./colors.js";
import { SearchBox } from "./controls.js";
import { Matches, Sent } from "./detections.js";
import { Box, Button, Flex, Fragment, Grid, html, Stack, Text, useEffect, useState } from "./element.js";
import { Answered, Empty, Lines } from "./empty.js";
import { Muted, Section } from "./section.js";
import { Trail } from "./trail.js";

/** Returns the view; in the address, `q` is the question and `only` the only connector to search. */
export function ExplainView() {
  const { get, set } = useAddress();
  const [q, only] = [get("q"), get("only")];
  const [words, setWords] = useState(q);
  useEffect(() => setWords(q), [q]);
  const ids = useAnswer("explain/ids").data?.ids;
  const answer = useAnswer(q ? "explain" : null, { q, connector: only });
  const ask = (wanted, connector = "") => {
    // The same question is sent again, because the event may have arrived since.
    if (wanted && wanted === q && connector === only) answer.retry();
    else set({ q: wanted, only: connector }, { isStep: true });
  };
  return html`
    <${Stack} gap="4">
      <${AskForm} ids=${ids} words=${words} setWords=${setWords} ask=${ask} />
      ${only && html`<${Only} only=${only} lift=${() => ask(q)} />`}
      ${!q && html`<${Empty} icon="question" title="Why did this event not arrive?" sentence=${sayHowToAsk(ids)} />`}
      ${q && html`
        <${Answered} key="${q} ${only}" answer=${answer} skeleton=${html`<${Asking} />`}>
          ${(found) => html`<${Found} found=${found} ask=${ask} />`}
        <//>
      `}
    <//>
  `;
}

function sayHowToAsk(ids) {
  const id = `Paste the event's id${ids ? `: ${ids}` : ""}.`;
  return `${id} An IP address, a domain, a URL or a hash finds the detections that have it.`;
}

function AskForm({ ids, words, setWords, ask }) {
  return html`
    <${Flex} gap="2" align="center" maxW="4xl">
      <${SearchBox} words=${words} setWords=${setWords} onSearch=${(text) => ask(text)} label="Event id or indicator"
          placeholder="${ids || "Event id"}, IP, hash …" size="lg" autoFocus flex="1" />
      <${Button} size="lg" colorPalette="brand" disabled=${!words.trim()} onClick=${() => ask(words.trim())}>Explain<//>
    <//>
  `;
}

function Asking() {
  const words = "Searching the ledger, then the sources …";
  return html`
    <${Stack} gap="3">
      <${Text} color="fg.muted" fontSize="sm" role="status">${words}<//>
      <${Lines} height=${12} />
    <//>
  `;
}

function Only({ only, lift }) {
  return html`
    <${Flex} gap="2" align="center">
      <${Text} fontSize="sm">Only connector ${only}.<//>
      <${Button} size="xs" variant="outline" onClick=${lift}>Ask all connectors<//>
    <//>
  `;
}

function Found({ found, ask }) {
  const { kind, verdict, matches, steps, trail, sources, codes_why: why } = found;
  if (kind === "nothing") return html`<${NotFound} verdict=${verdict} sources=${sources} />`;
  const detections = trail?.detections ?? [];
  const hasBoth = steps.length > 0 && detections.length + why.length + sources.length > 0;
  const half = "minmax(0, 1fr)";
  const choose = (match) => ask(match.event_id, match.connector);
  return html`
    <${Stack} gap="4">
      <${Verdict} verdict=${verdict} />
      ${matches.length > 1 && html`<${Matches} found=${found} onChoose=${choose} />`}
      <${Grid} templateColumns=${{ base: half, xl: hasBoth ? `${half} ${half}` : half }} gap="4" alignItems="start">
        ${steps.length > 0 && html`
          <${Section} title="Its path"><${Trail} steps=${steps} runs=${trail?.runs ?? []} /><//>
        `}
        <${Stack} gap="4" minW="0">
          ${detections.length > 0 && html`<${Sent} detections=${detections} />`}
          ${why.length > 0 && html`<${CodesWhy} sentences=${why} />`}
          ${sources.length > 0 && html`<${Sources} sources=${sources} />`}
        <//>
      <//>
    <//>
  `;
}

function NotFound({ verdict: { headline, details }, sources }) {
  const sentences = details.map((each) => html`<${Box} key=${each} mt="1">${each}<//>`);
  return html`
    <${Fragment}>
      <${Empty} icon="search" title=${headline} sentence=${sentences.length > 0 && sentences}><${Hints} /><//>
      ${sources.length > 0 && html`<${Sources} sources=${sources} />`}
    <//>
  `;
}

function Hints() {
  const hints = [
    "Is it the event's own id, not a transaction's or a session's?",
    "Has its window been read? Events arrive with the connector's next run.",
    "Is it older than the initial import? To read it, run a backfill of its day: Trigger > Backfill.",
  ];
  return html`
    <${Stack} as="ul" gap="1" fontSize="sm" color="fg.muted" listStyleType="disc" ps="4">
      ${hints.map((hint) => html`<li key=${hint}>${hint}</li>`)}
    <//>
  `;
}

function CodesWhy({ sentences }) {
  return html`
    <${Section} title="Why it has no ATT&CK codes">
      <${Stack} gap="2" fontSize="sm">
        ${sentences.map((each) => html`<${Text} key=${each} overflowWrap="anywhere">${each}<//>`)}
      <//>
    <//>
  `;
}

/** Returns the verdict of GET api/explain. */
function Verdict({ verdict: { fate, headline, reason, details } }) {
  const [icon, palette] = markOf(fate);
  return html`
    <${Flex} gap="4" borderWidth="1px" borderInlineStartWidth="4px" borderInlineStartColor="${palette}.solid"
        borderRadius="md" p="4" role="status">
      <${Icon} name=${icon} color="${palette}.fg" boxSize="7" mt="0.5" flexShrink=${0} />
      <${Stack} gap="1.5" minW="0">
        <${Text} as="h2" fontSize="lg" fontWeight="semibold" overflowWrap="anywhere">${headline}<//>
        ${reason && html`<${Text} overflowWrap="anywhere">${reason}<//>`}
        ${details.map((each) => html`<${Muted} key=${each} as="p" overflowWrap="anywhere">${each}<//>`)}
      <//>
    <//>
  `;
}

/** Returns what each source said when asked for the event. */
function Sources({ sources }) {
  const items = sources.map(({ connector, source, found, failed, words }) => {
    const [icon, palette] = markOf(failed ? "unclear" : found ? "accepted" : "dropped");
    return html`
      <${Flex} key=${connector} as="li" gap="3">
        <${Icon} name=${icon} color="${palette}.fg" mt="1" flexShrink=${0} />
        <${Box} minW="0">
          <${Text} fontSize="sm" fontWeight="semibold">${connector} (${source})<//>
          <${Text} fontSize="sm" overflowWrap="anywhere">${words}<//>
        <//>
      <//>
    `;
  });
  return html`<${Section} title="What the sources say"><${Stack} as="ul" gap="3" listStyleType="none">${items}<//><//>`;
}
