/** Formatted JSON as text, never as markup. Personal data in a vendor's event are hidden until a person asks. */

import { Icon } from "./badges.js";
import { Box, Button, Flex, html, Stack, useState } from "./element.js";
import { Muted } from "./section.js";

/** The most characters that are shown: longer texts slow a browser down. */
const LONGEST = 200_000;
const FOLD = "… personal data, folded away";

/** Returns the value, indented, in a frame that scrolls. A text that is not JSON is shown unchanged. */
export function Json({ label, value }) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  const shown = text.length > LONGEST ? `${text.slice(0, LONGEST)}\n… cut here` : text;
  return html`
    <${Box} as="pre" tabIndex=${0} role="region" aria-label=${label} bg="bg.subtle" borderWidth="1px" borderRadius="md"
        p="3" fontFamily="mono" fontSize="xs" lineHeight="1.5" maxH="26rem" overflow="auto" whiteSpace="pre-wrap"
        overflowWrap="anywhere">
      ${shown}
    <//>
  `;
}

/** Returns the event in an answer of GET api/run/record; for another record, its personal data are hidden again. */
export function FoldedEvent({ found: { event, event_note: note, personal, truncated } }) {
  const [isOpen, setOpen] = useState(false);
  if (event === null || event === undefined) return html`<${Muted}>${note || "The event is not kept."}<//>`;
  const isText = typeof event === "string";
  const canFold = isText || hasPersonal(event, personal);
  const shown = isOpen ? event : isText ? FOLD : fold(event, personal);
  return html`
    <${Stack} gap="2">
      ${(note || truncated) && html`<${Muted}>${note || "The event is cut: it is very large."}<//>`}
      ${canFold && html`<${FoldSwitch} isOpen=${isOpen} toggle=${() => setOpen(!isOpen)} />`}
      <${Json} label="Event" value=${shown} />
    <//>
  `;
}

function FoldSwitch({ isOpen, toggle }) {
  return html`
    <${Flex} justify="space-between" align="center" gap="3" wrap="wrap">
      <${Muted} fontSize="xs">
        ${isOpen ? "Personal data are shown until you leave this record." : "Personal data are hidden."}
      <//>
      <${Button} size="xs" variant="outline" aria-expanded=${isOpen} onClick=${toggle}>
        <${Icon} name="eye" />
        ${isOpen ? "Hide personal data" : "Show personal data"}
      <//>
    <//>
  `;
}

function hasPersonal(event, paths) {
  return paths.some((path) => path.split(".").reduce((value, key) => value?.[key], event) !== undefined);
}

/** Returns a copy of the event with the values at the dotted paths replaced. */
function fold(event, paths) {
  return paths.reduce((value, path) => foldOne(value, path.split(".")), event);
}

function foldOne(value, [key = "", ...rest]) {
  if (Array.isArray(value)) return value.map((each) => foldOne(each, [key, ...rest]));
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, key)) return value;
  const inner = value[key];
  if (rest.length) return { ...value, [key]: foldOne(inner, rest) };
  return inner === null ? value : { ...value, [key]: FOLD };
}
