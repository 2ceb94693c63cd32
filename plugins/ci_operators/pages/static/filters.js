/** What the navigation's page is about: a time range and connectors, both kept in its address. */

import { useAddress } from "./address.js";
import { usePulse } from "./answers.js";
import { Chakra, h, useCallback, useMemo, useState } from "./element.js";
import { Icon } from "./icons.js";

const { Button, Flex, Input, Menu, NativeSelect, Portal, Text } = Chakra;

const RANGES = [
  ["24h", "Last 24 hours", 1],
  ["7d", "Last 7 days", 7],
  ["30d", "Last 30 days", 30],
  ["90d", "Last 90 days", 90],
];
const USUAL = "7d";
const DAY_MS = 86_400_000;
const FRESH_MS = 60_000;

/** Returns what to ask the API for, `{since, until, connector}`; a preset's begin moves on by the minute. */
export function usePeriod() {
  const { get, list } = useAddress();
  const [minute, setMinute] = useState(currentMinute);
  usePulse(
    FRESH_MS,
    useCallback(() => setMinute(currentMinute()), []),
  );
  const [range, since, until] = [get("range", USUAL), get("since"), get("until")];
  const names = list("connector").join("\n");
  return useMemo(() => {
    const connector = names ? names.split("\n") : [];
    if (range === "custom") return { since, until, connector };
    const days = RANGES.find(([value]) => value === range)?.[2] ?? 7;
    return { since: new Date(minute - days * DAY_MS).toISOString(), until: "", connector };
  }, [range, since, until, names, minute]);
}

function currentMinute() {
  return Math.floor(Date.now() / FRESH_MS) * FRESH_MS;
}

/** Returns the choice of time range and connectors. `names`: all connectors there are to choose from. */
export function Filters({ names }) {
  const { get } = useAddress();
  return h(
    Flex,
    { gap: 2, wrap: "wrap", align: "center", justify: "end" },
    h(RangeSelect),
    get("range") === "custom" && h(RangeEnd, { name: "since", words: "Since" }),
    get("range") === "custom" && h(RangeEnd, { name: "until", words: "Until" }),
    h(ConnectorMenu, { names }),
  );
}

function RangeSelect() {
  const { get, set } = useAddress();
  const choose = ({ target }) => {
    const isCustom = target.value === "custom";
    const start = new Date(currentMinute() - 7 * DAY_MS).toISOString();
    set({ range: target.value === USUAL ? "" : target.value, since: isCustom ? start : "", until: "" });
  };
  const options = [...RANGES, ["custom", "Since … until …"]].map(([value, words]) =>
    h("option", { key: value, value }, words),
  );
  return h(
    NativeSelect.Root,
    { size: "sm", w: 40 },
    h(NativeSelect.Field, { "aria-label": "Time range", value: get("range", USUAL), onChange: choose }, options),
    h(NativeSelect.Indicator),
  );
}

/** Returns one end of a range; nothing in `until` means now. */
function RangeEnd({ name, words }) {
  const { get, set } = useAddress();
  const change = ({ target }) => set({ [name]: target.value ? `${target.value}:00Z` : "" });
  const value = get(name).slice(0, 16);
  return h(
    Flex,
    { as: "label", gap: 2, align: "center", fontSize: "xs", color: "fg.muted", whiteSpace: "nowrap" },
    `${words} (UTC)`,
    h(Input, { type: "datetime-local", size: "sm", w: 48, color: "fg", value, onChange: change }),
  );
}

function ConnectorMenu({ names }) {
  const { list, set } = useAddress();
  const chosen = list("connector");
  const toggle = (name) => {
    const next = chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name];
    set({ connector: next.length === names.length ? [] : next });
  };
  const words =
    chosen.length === 0 ? "All connectors" : chosen.length === 1 ? chosen[0] : `${chosen.length} connectors`;
  return h(
    Menu.Root,
    { closeOnSelect: false },
    h(
      Menu.Trigger,
      { asChild: true },
      h(
        Button,
        { size: "sm", variant: "outline", maxW: 60 },
        h(Text, { as: "span", truncate: true }, words),
        h(Icon, { name: "down" }),
      ),
    ),
    h(Portal, null, h(Menu.Positioner, null, h(Menu.Content, { maxH: 80, overflowY: "auto" }, makeItems()))),
  );

  function makeItems() {
    const all = h(Menu.Item, { key: "", value: "", onClick: () => set({ connector: [] }) }, "All connectors");
    const each = [...new Set([...names, ...chosen])].map((name) =>
      h(
        Menu.CheckboxItem,
        { key: name, value: `c-${name}`, checked: chosen.includes(name), onCheckedChange: () => toggle(name) },
        name,
        h(Menu.ItemIndicator),
      ),
    );
    return [all, h(Menu.Separator, { key: "-" }), ...each];
  }
}
