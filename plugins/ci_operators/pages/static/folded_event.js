/** A vendor's event with its personal data folded away until a person asks for them, and again on the next page. */

import { Chakra, h, useState } from "./element.js";
import { Icon } from "./icons.js";
import { Json } from "./json.js";
import { Muted } from "./section.js";

const { Button, Flex, Stack } = Chakra;
const FOLD = "… personal data, folded away";

/** Returns the event of a record, as GET api/run/record tells of it. */
export function Folded({ found }) {
  const { event, event_note: note, personal, truncated } = found;
  const [isOpen, setOpen] = useState(false);
  if (event === null || event === undefined) return h(Muted, null, note || "The event is not kept.");
  const isText = typeof event === "string";
  const canFold = isText || hasPersonal(event, personal);
  const shown = isOpen ? event : isText ? FOLD : fold(event, personal);
  return h(
    Stack,
    { gap: 2 },
    (note || truncated) && h(Muted, null, note || "The event is cut: it is very large."),
    canFold &&
      h(
        Flex,
        { justify: "space-between", align: "center", gap: 3, wrap: "wrap" },
        h(
          Muted,
          { fontSize: "xs" },
          isOpen ? "Personal data are shown until you leave this record." : "Personal data are folded away.",
        ),
        h(
          Button,
          { size: "xs", variant: "outline", "aria-expanded": isOpen, onClick: () => setOpen(!isOpen) },
          h(Icon, { name: "eye" }),
          isOpen ? "Hide personal data" : "Show personal data",
        ),
      ),
    h(Json, { label: "Event", value: shown }),
  );
}

function hasPersonal(event, paths) {
  return paths.some((path) => path.split(".").reduce((value, key) => value?.[key], event) !== undefined);
}

/** Returns the event with what stands at the dotted paths replaced; the event itself stays as it is. */
export function fold(event, paths) {
  return paths.reduce((value, path) => foldOne(value, path.split(".")), event);
}

function foldOne(value, [key, ...rest]) {
  if (Array.isArray(value)) return value.map((each) => foldOne(each, [key, ...rest]));
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, key)) return value;
  const inner = value[key];
  if (rest.length) return { ...value, [key]: foldOne(inner, rest) };
  return inner === null ? value : { ...value, [key]: FOLD };
}
