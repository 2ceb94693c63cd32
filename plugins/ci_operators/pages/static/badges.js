/** Small elements: icons, outcomes, states, ATT&CK codes, links inside Airflow. */

import { paletteOf } from "./colors.js";
import { Badge, Box, Flex, html, IconFrame, Link, RouterLink, Status, Text } from "./element.js";
import { capitalize, formatAgo, formatTime, plainCode } from "./format.js";

/** The icons of the pages as SVG paths, in the color of the text around them. */
const PATHS = {
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 21 21",
  download: "M12 4v11M7.5 11 12 15.5 16.5 11M5 20h14",
  down: "M6 9l6 6 6-6",
  right: "M9 6l6 6-6 6",
  check: "M5 12.5 10 17.5 19.5 7",
  cross: "M6 6l12 12M18 6 6 18",
  minus: "M6 12h12",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5.5l3.5 2",
  question: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M12 16.6v.2",
  warning: "M12 4 2.8 20h18.4zM12 10v4.5M12 17.2v.2",
  inbox: "M4 13 6.5 5h11L20 13v6H4zM4 13h4.5l1.5 2.5h4l1.5-2.5H20",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  eye: "M2 12s3.5-6.5 10-6.5S22 12 22 12s-3.5 6.5-10 6.5S2 12 2 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
};

/** Returns an outcome or a state as a colored word. */
export function FateBadge({ fate, children, ...more }) {
  return html`
    <${Badge} colorPalette=${paletteOf(fate)} variant="subtle" ...${more}>
      ${children ?? capitalize(plainCode(fate))}
    <//>
  `;
}

/** Returns a dot and a word: the state of something. */
export function StateWord({ palette, children }) {
  return html`
    <${Status.Root} colorPalette=${palette} size="md" whiteSpace="nowrap">
      <${Status.Indicator} bg="${palette}.solid" />
      ${children}
    <//>
  `;
}

/** Returns the badge of a connector or run in debug mode. */
export function DebugBadge() {
  const title = "A dry run: Recorded Future checks the detections and stores nothing.";
  return html`<${Badge} colorPalette="purple" variant="subtle" title=${title}>Debug<//>`;
}

/** Returns ATT&CK codes, each with its name as title. A code is a string, or {code, name}. */
export function CodeBadges({ codes, most = 4 }) {
  if (!codes?.length) return html`<${Text} as="span" color="fg.muted">–<//>`;
  const all = codes.map((each) => (typeof each === "string" ? { code: each, name: undefined } : each));
  const rest = all.slice(most).map(({ code }) => code);
  return html`
    <${Flex} gap="1" wrap="wrap">
      ${all.slice(0, most).map(({ code, name }) => html`
        <${Badge} key=${code} variant="outline" title=${name || undefined}>${code}<//>
      `)}
      ${rest.length > 0 && html`<${Badge} variant="plain" title=${rest.join(", ")}>+${rest.length}<//>`}
    <//>
  `;
}

/** Returns a link to another page of Airflow. */
export function PageLink({ to, children, ...more }) {
  return html`<${Link} asChild color="fg.info" ...${more}><${RouterLink} to=${to}>${children}<//><//>`;
}

/** Returns a time, and as its title how long ago it was; with `isAgo` the other way around. */
export function Moment({ at, isAgo = false, isWrapping = false }) {
  if (!at) return "–";
  const [shown, title] = isAgo ? [formatAgo(at), formatTime(at)] : [formatTime(at), formatAgo(at)];
  return html`<time dateTime=${at} title=${title} style=${isWrapping ? {} : { whiteSpace: "nowrap" }}>${shown}</time>`;
}

/** Returns an id or indicator in one line, cut in the middle if it is too long, with the full text as its title. */
export function LongText({ text, limit = 44, ...style }) {
  const isLong = text.length > limit;
  const shown = isLong ? `${text.slice(0, limit - 13)}…${text.slice(-12)}` : text;
  const more = { title: isLong ? text.slice(0, 2000) : undefined, fontFamily: "mono", fontSize: "xs" };
  return html`<${Box} as="span" whiteSpace="nowrap" ...${more} ...${style}>${shown}<//>`;
}

/** Returns an icon by name. Screen readers skip it, because there is always text beside it. */
export function Icon({ name, ...style }) {
  const drawing = html`
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth=${2} strokeLinecap="round"
        strokeLinejoin="round">
      <path d=${PATHS[name]} />
    </svg>
  `;
  return html`<${IconFrame} asChild boxSize="4" aria-hidden ...${style}>${drawing}<//>`;
}
