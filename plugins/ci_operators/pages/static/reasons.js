/** Why events were left out: each reason in words, with its share as a bar and the FAQ that asks for it. */

import { areaToken } from "./colours.js";
import { Chakra, h } from "./element.js";
import { Empty } from "./empty.js";
import { formatCount } from "./format.js";
import { Bar, Muted } from "./section.js";

const { Box, Flex, Stack, Text } = Chakra;

/** Returns the reasons, most frequent first, as GET api/trends/reasons tells of them. */
export function Reasons({ found }) {
  const { reasons } = found;
  if (!reasons.length)
    return h(Empty, {
      icon: "check",
      title: "No event was left out",
      sentence: "No run of this time left one out; events count when a run reads them.",
    });
  const most = Math.max(...reasons.map(({ events }) => events));
  const items = reasons.map((reason) =>
    h(Reason, { key: `${reason.stage} ${reason.fate} ${reason.code}`, reason, most }),
  );
  return h(Stack, { as: "ul", gap: 3, listStyleType: "none" }, items);
}

function Reason({ reason, most }) {
  const { stage, fate, code, words, events, faq } = reason;
  const where = [fate === "quarantined" ? "quarantined" : "dropped", `by ${stage}`, `(${code})`].join(" ");
  return h(
    Box,
    { as: "li" },
    h(
      Flex,
      { justify: "space-between", gap: 3, align: "baseline" },
      h(Text, { fontSize: "sm", overflowWrap: "anywhere" }, words || code),
      h(Text, { fontSize: "sm", fontWeight: "semibold", fontVariantNumeric: "tabular-nums" }, formatCount(events)),
    ),
    h(Bar, { share: events / most, token: areaToken(fate), my: 1 }),
    h(Muted, { fontSize: "xs", overflowWrap: "anywhere" }, faq ? `${where} · ${faq}` : where),
  );
}
