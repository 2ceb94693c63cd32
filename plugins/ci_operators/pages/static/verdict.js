/** The answer in plain words: did the event arrive, and if not, what keeps it. */

import { Chakra, h } from "./element.js";
import { plainCode } from "./format.js";
import { Icon } from "./icons.js";
import { Muted, Section } from "./section.js";

const { Box, Flex, Stack, Text } = Chakra;

/** [fate, icon, palette, headline]: what counts most comes first. */
const HEADLINES = [
  ["accepted", "check", "green", () => "It arrived: Recorded Future has stored it."],
  ["unknown", "question", "orange", () => "It was sent, and nobody can say yet whether Recorded Future has stored it."],
  ["rejected", "cross", "red", () => "It did not arrive: Recorded Future refused it."],
  ["waiting", "clock", "blue", () => "It has not arrived yet: it waits for the day's budget."],
  ["reserved", "clock", "blue", () => "It has not arrived yet: its request is under way."],
  ["planned", "clock", "blue", () => "It has not arrived yet: the next run that reads its window sends it."],
  ["quarantined", "warning", "orange", ({ stage }) => `It did not arrive: ${stage} quarantined it.`],
  ["dropped", "minus", "gray", ({ stage }) => `It did not arrive: ${stage} left it out.`],
];

/** Returns the verdict. */
export function Verdict({ found }) {
  const [icon, palette, headline, reason] = judge(found);
  const sentences = found.sentences.filter((each) => each !== headline && !isSaid(each, found, reason));
  return h(
    Flex,
    {
      gap: 4,
      borderWidth: 1,
      borderInlineStartWidth: 4,
      borderInlineStartColor: `${palette}.solid`,
      borderRadius: "md",
      p: 4,
      role: "status",
    },
    h(Icon, { name: icon, color: `${palette}.fg`, boxSize: 7, mt: 0.5, flexShrink: 0 }),
    h(
      Stack,
      { gap: 1.5, minW: 0 },
      h(Text, { as: "h2", fontSize: "lg", fontWeight: "semibold", overflowWrap: "anywhere" }, headline),
      reason && h(Text, { overflowWrap: "anywhere" }, reason),
      sentences.map((sentence) => h(Muted, { key: sentence, as: "p", overflowWrap: "anywhere" }, sentence)),
    ),
  );
}

/** Returns whether a sentence would say again what the headline, or the table of matches, says. */
function isSaid(sentence, { query, sentences, matches }, reason) {
  if (matches.length > 1)
    return sentence.includes(query) || matches.some(({ event_id: id }) => id && sentence.includes(id));
  return Boolean(reason) && sentences.length === 1;
}

/** Returns [icon, palette, headline, reason]. */
function judge({ query, steps, sentences, sources, matches, more }) {
  for (const [fate, icon, palette, say] of HEADLINES) {
    const step = steps.find((each) => each.fate === fate);
    if (step) return [icon, palette, say(step), sayReason(step)];
  }
  if (matches.length > 1) {
    const count = `${more ? "More than " : ""}${matches.length} detections`;
    return ["search", "brand", `${count} carry ${query}.`, ""];
  }
  const first = sentences[0] ?? "Nothing is known of it.";
  return sources.some(({ failed }) => failed) ? ["warning", "orange", first, ""] : ["question", "brand", first, ""];
}

function sayReason({ words, faq, code }) {
  if (!code) return "";
  return [words || plainCode(code), faq && `(${faq})`].filter(Boolean).join(" ");
}

/** Returns what each source said when asked for the event. */
export function Sources({ sources }) {
  const items = sources.map(({ connector, source, found, failed, sentence }) => {
    const [icon, palette] = failed ? ["warning", "orange"] : found ? ["check", "green"] : ["minus", "gray"];
    return h(
      Flex,
      { key: connector, as: "li", gap: 3 },
      h(Icon, { name: icon, color: `${palette}.fg`, mt: 1, flexShrink: 0 }),
      h(
        Box,
        { minW: 0 },
        h(Text, { fontSize: "sm", fontWeight: "semibold" }, `${connector} (${source})`),
        h(Text, { fontSize: "sm", overflowWrap: "anywhere" }, withoutName(sentence, connector)),
      ),
    );
  });
  return h(Section, { title: "What the sources say" }, h(Stack, { as: "ul", gap: 3, listStyleType: "none" }, items));
}

function withoutName(sentence, connector) {
  return sentence.startsWith(`${connector}: `) ? sentence.slice(connector.length + 2) : sentence;
}
