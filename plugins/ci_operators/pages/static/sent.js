/** The detections of an event as the ledger keeps them: what was sent, in which state. */

import { CodeBadges, FateBadge, LongText, Moment } from "./badges.js";
import { Chakra, h } from "./element.js";
import { Facts, Muted, Section } from "./section.js";

const { Box, Flex, Stack } = Chakra;

/** Returns the section. */
export function Sent({ detections }) {
  const title = detections.length === 1 ? "Its detection" : `Its ${detections.length} detections`;
  const items = detections.map((found, index) => h(Detection, { key: found.key ?? index, found }));
  return h(Section, { title }, h(Stack, { gap: 4 }, items));
}

function Detection({ found }) {
  const { indicator_type: type, indicator, state, codes, batch, attempts, message } = found;
  return h(
    Box,
    null,
    h(
      Flex,
      { gap: 2, align: "center", wrap: "wrap", mb: 2 },
      h(Muted, null, type),
      h(LongText, { text: indicator, limit: 72, fontSize: "sm", whiteSpace: "normal", overflowWrap: "anywhere" }),
      h(FateBadge, { fate: state }),
    ),
    message && h(Muted, { as: "p", mb: 2, overflowWrap: "anywhere" }, message),
    h(Facts, {
      facts: [
        ["Detected", h(Moment, { at: found.detected_at })],
        ["ATT&CK codes", h(CodeBadges, { codes, most: 8 })],
        ["Settled", found.settled_at && h(Moment, { at: found.settled_at })],
        ["Batch", attempts > 1 ? `${batch}, sent ${attempts} times` : batch],
        ["Sent again", found.resent ? "after an unknown outcome" : ""],
      ],
    }),
  );
}
