/** Why did this event not arrive? One box for an event's id or an indicator, and all that is known of it. */

import { useAddress } from "./address.js";
import { useAnswer } from "./answers.js";
import { Chakra, Fragment, h, useEffect, useState } from "./element.js";
import { Answered, Empty, Lines } from "./empty.js";
import { Matches } from "./matches.js";
import { Section } from "./section.js";
import { SearchBox } from "./search_box.js";
import { Sent } from "./sent.js";
import { Trail } from "./trail.js";
import { Sources, Verdict } from "./verdict.js";

const { Box, Button, Flex, Grid, Stack, Text } = Chakra;

const PLACEHOLDER = "Okta event uuid, SentinelOne threat id, IP, hash …";

/** Returns the view; what is asked stands in the address as `q`, a connector it is about as `only`. */
export function ExplainView() {
  const { get, set } = useAddress();
  const [q, only] = [get("q"), get("only")];
  const [words, setWords] = useState(q);
  useEffect(() => setWords(q), [q]);
  const answer = useAnswer(q ? "explain" : null, { q, connector: only });
  const ask = (wanted, connector = "") => {
    // The same question again is asked again: the event may have arrived by now.
    if (wanted && wanted === q && connector === only) answer.retry();
    else set({ q: wanted, only: connector }, { isStep: true });
  };
  return h(
    Stack,
    { gap: 4 },
    h(AskForm, { words, setWords, ask }),
    only && h(Only, { only, lift: () => ask(q) }),
    q
      ? h(Answered, {
          key: `${q} ${only}`,
          answer,
          skeleton: h(Asking),
          children: (found) => h(Found, { found, ask }),
        })
      : h(Empty, { icon: "question", title: "Why did this event not arrive?", sentence: HOW_TO_ASK }),
  );
}

const HOW_TO_ASK =
  "Paste the event's id: for Okta the uuid of the System Log event, for SentinelOne the threat's id. " +
  "An IP address, a domain, a URL or a hash finds the detections that carry it.";

function AskForm({ words, setWords, ask }) {
  const label = "Event id or indicator";
  const box = {
    words,
    setWords,
    onSearch: (text) => ask(text),
    label,
    placeholder: PLACEHOLDER,
    size: "lg",
    autoFocus: true,
    flex: 1,
  };
  return h(
    Flex,
    { gap: 2, align: "center", maxW: "4xl" },
    h(SearchBox, box),
    h(
      Button,
      { size: "lg", colorPalette: "brand", disabled: !words.trim(), onClick: () => ask(words.trim()) },
      "Explain",
    ),
  );
}

function Asking() {
  const words = "Asking the ledger, and the sources if it knows nothing …";
  return h(
    Stack,
    { gap: 3 },
    h(Text, { color: "fg.muted", fontSize: "sm", role: "status" }, words),
    h(Lines, { height: 12 }),
  );
}

function Only({ only, lift }) {
  return h(
    Flex,
    { gap: 2, align: "center" },
    h(Text, { fontSize: "sm" }, `Of the connector ${only} alone.`),
    h(Button, { size: "xs", variant: "outline", onClick: lift }, "Ask all connectors"),
  );
}

function Found({ found, ask }) {
  const { kind, matches, steps, trail, sources, codes_why: why } = found;
  if (kind === "nothing") return h(NotFound, { found });
  const detections = trail?.detections ?? [];
  const hasBoth = steps.length > 0 && detections.length + why.length + sources.length > 0;
  return h(
    Stack,
    { gap: 4 },
    h(Verdict, { found }),
    matches.length > 1 && h(Matches, { found, onChoose: (match) => ask(match.event_id, match.connector) }),
    h(
      Grid,
      {
        templateColumns: {
          base: "minmax(0, 1fr)",
          xl: hasBoth ? "minmax(0, 1fr) minmax(0, 1fr)" : "minmax(0, 1fr)",
        },
        gap: 4,
        alignItems: "start",
      },
      steps.length > 0 && h(Section, { title: "Its way" }, h(Trail, { steps, runs: trail?.runs ?? [] })),
      h(
        Stack,
        { gap: 4, minW: 0 },
        detections.length > 0 && h(Sent, { detections }),
        why.length > 0 && h(Section, { title: "Why it has no ATT&CK codes" }, h(Sentences, { sentences: why })),
        sources.length > 0 && h(Sources, { sources }),
      ),
    ),
  );
}

function NotFound({ found }) {
  return h(
    Fragment,
    null,
    h(
      Empty,
      {
        icon: "search",
        title: `Nothing is known of ${found.query.length > 80 ? `${found.query.slice(0, 80)}…` : found.query}`,
        sentence: h(
          Fragment,
          null,
          found.sentences.map((sentence) => h(Box, { key: sentence, mt: 1 }, sentence)),
        ),
      },
      h(Hints),
    ),
    found.sources.length > 0 && h(Sources, { sources: found.sources }),
  );
}

function Hints() {
  const hints = [
    "Is it the event's own id, not a transaction's or a session's?",
    "Has its window been read? Events arrive with the connector's next run.",
    "Is it older than the initial import? A backfill over its day reads it: Trigger, then Backfill.",
  ];
  return h(
    Stack,
    { as: "ul", gap: 1, fontSize: "sm", color: "fg.muted", listStyleType: "disc", ps: 4 },
    hints.map((hint) => h("li", { key: hint }, hint)),
  );
}

function Sentences({ sentences }) {
  return h(
    Stack,
    { gap: 2, fontSize: "sm" },
    sentences.map((sentence) => h(Text, { key: sentence, overflowWrap: "anywhere" }, sentence)),
  );
}
