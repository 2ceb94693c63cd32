/** One record in full, in a panel over the table: its story, its detections, and the event. */

import { pagePath } from "./address.js";
import { useAnswer } from "./api.js";
import { CodeBadges, FateBadge, LongText, PageLink } from "./badges.js";
import { deliveryFacts } from "./detections.js";
import { Box, CloseButton, Drawer, Flex, Heading, html, Portal, Stack, Text } from "./element.js";
import { Answered, Lines } from "./empty.js";
import { FoldedEvent, Json } from "./event_json.js";
import { Facts, Muted } from "./section.js";

/** Returns the panel with one record of a run, found by its event id, or by its place if it has none. */
export function RecordDetail({ dagId, runId, eventId, indicator, place, close, finalFocus }) {
  const answer = useAnswer("run/record", { dag_id: dagId, run_id: runId, event_id: eventId, indicator, place });
  return html`
    <${Panel} title="Event" subtitle=${eventId || "without an id"} close=${close} finalFocus=${finalFocus}>
      <${Answered} answer=${answer} skeleton=${html`<${Lines} count=${6} />`}>
        ${(found) => html`<${Record} found=${found} eventId=${eventId} />`}
      <//>
    <//>
  `;
}

/** Returns a side panel. Escape or a click outside calls `close`; then the focus returns to `finalFocus()`. */
function Panel({ title, subtitle, close, finalFocus, children }) {
  return html`
    <${Drawer.Root} open size="lg" onOpenChange=${({ open }) => open || close()} finalFocusEl=${finalFocus}>
      <${Portal}>
        <${Drawer.Backdrop} />
        <${Drawer.Positioner}>
          <${Drawer.Content} bg="bg">
            <${Drawer.Header} pe="12">
              <${Stack} gap="1" minW="0">
                <${Drawer.Title}>${title}<//>
                <${LongText} text=${subtitle} limit=${400} whiteSpace="normal" overflowWrap="anywhere" />
              <//>
            <//>
            <${Drawer.CloseTrigger} asChild><${CloseButton} size="sm" /><//>
            <${Drawer.Body} pb="8">${children}<//>
          <//>
        <//>
      <//>
    <//>
  `;
}

function Record({ found, eventId }) {
  const { fate, stage, code, words, detail, faq, story, detections } = found;
  const explanation = pagePath({ view: "explain", q: eventId });
  return html`
    <${Stack} gap="6">
      <${Stack} gap="2">
        <${Flex} gap="2" align="center">
          ${fate && html`<${FateBadge} fate=${fate} size="md" />`}
          ${stage && html`<${Muted}>by ${stage}<//>`}
        <//>
        ${words && fate !== "detection" && html`<${Text} fontWeight="semibold">${words}<//>`}
        ${detail && html`<${Text} overflowWrap="anywhere">${detail}<//>`}
        ${(code || faq) && html`<${Muted} fontSize="xs">${[code, faq].filter(Boolean).join(" · ")}<//>`}
        ${eventId && html`
          <${PageLink} to=${explanation} fontSize="sm">Explain this event across all runs<//>
        `}
      <//>
      ${story.length > 0 && html`<${Part} title="Its path in this run"><${Story} story=${story} /><//>`}
      ${detections.map((each, index) => html`
        <${Detection} key=${index} found=${each} number=${detections.length > 1 ? index + 1 : 0} />
      `)}
      <${Part} title=${fate === "detection" ? "The source event" : "The event"}>
        <${FoldedEvent} found=${found} />
      <//>
    <//>
  `;
}

function Part({ title, children }) {
  return html`<${Box} as="section"><${Heading} as="h3" size="sm" mb="2">${title}<//>${children}<//>`;
}

function Story({ story }) {
  return html`
    <${Stack} as="ol" gap="1.5" fontSize="sm" ps="5" listStyleType="decimal">
      ${story.map((sentence) => html`<li key=${sentence}>${sentence}</li>`)}
    <//>
  `;
}

function Detection({ found, number }) {
  const { sent, indicator, state, message } = found;
  const whole = { limit: 80, whiteSpace: "normal", overflowWrap: "anywhere" };
  const facts = [
    ["Indicator", indicator && html`<${LongText} text=${indicator} ...${whole} />`],
    ["Type", found.indicator_type],
    ["ATT&CK codes", html`<${CodeBadges} codes=${found.codes} most=${12} />`],
    ["State", state && html`<${FateBadge} fate=${state} title=${found.state_words} />`],
    ...deliveryFacts(found),
  ];
  return html`
    <${Part} title=${number ? `Detection ${number}` : "Detection as sent"}>
      <${Facts} mb="3" facts=${facts} />
      ${message && html`<${Text} fontSize="sm" mb="3" overflowWrap="anywhere">${message}<//>`}
      ${sent && html`<${Json} label="Detection as sent" value=${sent} />`}
    <//>
  `;
}
