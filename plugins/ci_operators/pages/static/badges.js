/** Small marks: fates, states, ATT&CK codes, links inside Airflow. */

import { paletteOf } from "./colours.js";
import { Chakra, h, RouterLink } from "./element.js";
import { capitalise, formatAgo, formatTime, plainCode } from "./format.js";

const { Badge, Box, Flex, Link, Status, Text } = Chakra;

/** Returns a fate or a state as a coloured word. */
export function FateBadge({ fate, children, ...more }) {
  return h(
    Badge,
    { colorPalette: paletteOf(fate), variant: "subtle", ...more },
    children ?? capitalise(plainCode(fate)),
  );
}

/** Returns a dot and a word: how something stands. */
export function StateWord({ palette, children, title }) {
  return h(
    Status.Root,
    { colorPalette: palette, size: "md", title, whiteSpace: "nowrap" },
    h(Status.Indicator, { bg: `${palette}.solid` }),
    children,
  );
}

/** Returns the mark of a connector or run that stores nothing. */
export function DebugBadge() {
  const title = "A dry run: Recorded Future checks the detections and stores nothing.";
  return h(Badge, { colorPalette: "purple", variant: "subtle", title }, "Debug");
}

/** Returns ATT&CK codes, each with its name as title. A code is a text, or {code, name}. */
export function CodeBadges({ codes, names = {}, most = 4 }) {
  if (!codes?.length) return h(Text, { as: "span", color: "fg.muted" }, "–");
  const all = codes.map((each) => (typeof each === "string" ? { code: each, name: names[each] } : each));
  const rest = all.slice(most);
  const badges = all
    .slice(0, most)
    .map(({ code, name }) => h(Badge, { key: code, variant: "outline", title: name || undefined }, code));
  const more = h(
    Badge,
    { key: "+", variant: "plain", title: rest.map(({ code }) => code).join(", ") },
    `+${rest.length}`,
  );
  return h(Flex, { gap: 1, wrap: "wrap" }, badges, rest.length > 0 && more);
}

/** Returns a link to another page of Airflow. */
export function PageLink({ to, children, ...more }) {
  return h(Link, { asChild: true, color: "fg.info", ...more }, h(RouterLink, { to }, children));
}

/** Returns a moment: how long ago, the time itself as title; or the other way round. */
export function Moment({ at, isAgo = false, isWrapping = false }) {
  if (!at) return "–";
  const [shown, title] = isAgo ? [formatAgo(at), formatTime(at)] : [formatTime(at), formatAgo(at)];
  return h("time", { dateTime: at, title, style: isWrapping ? {} : { whiteSpace: "nowrap" } }, shown);
}

/** Returns an id or indicator in one line, cut in its middle when too long; the whole is its title. */
export function LongText({ text, limit = 44, ...style }) {
  const isLong = text.length > limit;
  const shown = isLong ? `${text.slice(0, limit - 13)}…${text.slice(-12)}` : text;
  const more = { title: isLong ? text.slice(0, 2000) : undefined, fontFamily: "mono", fontSize: "xs" };
  return h(Box, { as: "span", whiteSpace: "nowrap", ...more, ...style }, shown);
}
