/** One record in full, in a panel over the table: its story, what was sent of it, the event itself. */

import { pagePath } from "./address.js";
import { useAnswer } from "./answers.js";
import { CodeBadges, FateBadge, LongText, Moment, PageLink } from "./badges.js";
import { Chakra, h } from "./element.js";
import { Answered, Lines } from "./empty.js";
import { Folded } from "./folded_event.js";
import { Json } from "./json.js";
import { Facts, Muted } from "./section.js";

const { Box, CloseButton, Drawer, Flex, Heading, Portal, Stack, Text } = Chakra;

/** Returns the panel with one record of a run, named by its event id, or by its place if it has none. */
export function RecordDetail({ dagId, runId, eventId, indicator, place, close, finalFocus }) {
  const answer = useAnswer("run/record", { dag_id: dagId, run_id: runId, event_id: eventId, indicator, place });
  return h(
    Panel,
    { title: "Event", subtitle: eventId || "without an id", close, finalFocus },
    h(Answered, { answer, skeleton: h(Lines, { count: 6 }), children: (found) => h(Record, { found, eventId }) }),
  );
}

/** Returns a panel from the side; Escape or a click beside it calls `close`, the focus goes back to `finalFocus()`. */
function Panel({ title, subtitle, close, finalFocus, children }) {
  const head = h(
    Stack,
    { gap: 1, minW: 0 },
    h(Drawer.Title, null, title),
    h(LongText, { text: subtitle, limit: 400, whiteSpace: "normal", overflowWrap: "anywhere" }),
  );
  const content = h(
    Drawer.Content,
    { bg: "bg" },
    h(Drawer.Header, { pe: 12 }, head),
    h(Drawer.CloseTrigger, { asChild: true }, h(CloseButton, { size: "sm" })),
    h(Drawer.Body, { pb: 8 }, children),
  );
  return h(
    Drawer.Root,
    { open: true, size: "lg", onOpenChange: ({ open }) => open || close(), finalFocusEl: finalFocus },
    h(Portal, null, h(Drawer.Backdrop), h(Drawer.Positioner, null, content)),
  );
}

function Record({ found, eventId }) {
  const { fate, stage, code, words, detail, faq, story, detections } = found;
  return h(
    Stack,
    { gap: 6 },
    h(
      Stack,
      { gap: 2 },
      h(
        Flex,
        { gap: 2, align: "center" },
        fate && h(FateBadge, { fate, size: "md" }),
        stage && h(Muted, null, `by ${stage}`),
      ),
      words && fate !== "detection" && h(Text, { fontWeight: "semibold" }, words),
      detail && h(Text, { overflowWrap: "anywhere" }, detail),
      (code || faq) && h(Muted, { fontSize: "xs" }, [code, faq].filter(Boolean).join(" · ")),
      eventId &&
        h(
          PageLink,
          { to: pagePath({ view: "explain", q: eventId }), fontSize: "sm" },
          "Explain this event over all runs",
        ),
    ),
    story.length > 0 && h(Part, { title: "Its story in this run" }, h(Story, { story })),
    detections.map((each, index) =>
      h(Detection, { key: index, found: each, number: detections.length > 1 ? index + 1 : 0 }),
    ),
    h(Part, { title: fate === "detection" ? "The event it was made of" : "The event" }, h(Folded, { found })),
  );
}

function Part({ title, children }) {
  return h(Box, { as: "section" }, h(Heading, { as: "h3", size: "sm", mb: 2 }, title), children);
}

function Story({ story }) {
  return h(
    Stack,
    { as: "ol", gap: 1.5, fontSize: "sm", ps: 5, listStyleType: "decimal" },
    story.map((sentence) => h("li", { key: sentence }, sentence)),
  );
}

function Detection({ found, number }) {
  const {
    sent,
    indicator_type: type,
    indicator,
    codes,
    state,
    state_words: stateWords,
    message,
    batch,
    attempts,
  } = found;
  return h(
    Part,
    { title: number ? `Detection ${number}` : "Detection as sent" },
    h(Facts, {
      mb: 3,
      facts: [
        [
          "Indicator",
          indicator && h(LongText, { text: indicator, limit: 80, whiteSpace: "normal", overflowWrap: "anywhere" }),
        ],
        ["Type", type],
        ["ATT&CK codes", h(CodeBadges, { codes, most: 12 })],
        ["State", state && h(FateBadge, { fate: state, title: stateWords })],
        ["Settled", found.settled_at && h(Moment, { at: found.settled_at })],
        ["Batch", attempts > 1 ? `${batch}, sent ${attempts} times` : batch],
      ],
    }),
    message && h(Text, { fontSize: "sm", mb: 3, overflowWrap: "anywhere" }, message),
    sent && h(Json, { label: "Detection as sent", value: sent }),
  );
}
