/** JSON as text, laid out; never as markup. */

import { Chakra, h } from "./element.js";

const { Box } = Chakra;
/** Longer texts slow a browser down and help nobody. */
const LONGEST = 200_000;

/** Returns the value, indented, in a frame that scrolls. A text that is no JSON is shown as it is. */
export function Json({ label, value }) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}\n… cut here` : text;
  return h(
    Box,
    {
      as: "pre",
      tabIndex: 0,
      role: "region",
      "aria-label": label,
      bg: "bg.subtle",
      borderWidth: 1,
      borderRadius: "md",
      p: 3,
      fontFamily: "mono",
      fontSize: "xs",
      lineHeight: "1.5",
      maxH: "26rem",
      overflow: "auto",
      whiteSpace: "pre-wrap",
      overflowWrap: "anywhere",
    },
    shown,
  );
}
