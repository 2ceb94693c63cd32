/** The filters of the page in the navigation: a time range and connectors, both kept in its address. */

import { useAddress } from "./address.js";
import { usePulse } from "./api.js";
import { Icon } from "./badges.js";
import { Select } from "./controls.js";
import { Button, Flex, html, Input, Menu, Portal, Text, useCallback, useMemo, useState } from "./element.js";

const RANGES = [
  ["24h", "Last 24 hours"],
  ["7d", "Last 7 days"],
  ["30d", "Last 30 days"],
  ["90d", "Last 90 days"],
];
const DAYS = { "24h": 1, "7d": 7, "30d": 30, "90d": 90 };
const USUAL = "7d";
const DAY_MS = 86_400_000;
const FRESH_MS = 60_000;

/** Returns the API's parameters `{since, until, connector}`; the start of a preset moves every minute. */
export function usePeriod() {
  const { get, list } = useAddress();
  const [minute, setMinute] = useState(currentMinute);
  const moveOn = useCallback(() => setMinute(currentMinute()), []);
  usePulse(FRESH_MS, moveOn);
  const [range, since, until] = [get("range", USUAL), get("since"), get("until")];
  const names = list("connector").join("\n");
  return useMemo(() => {
    const connector = names ? names.split("\n") : [];
    if (range === "custom") return { since, until, connector };
    const days = DAYS[range] ?? 7;
    return { since: new Date(minute - days * DAY_MS).toISOString(), until: "", connector };
  }, [range, since, until, names, minute]);
}

function currentMinute() {
  return Math.floor(Date.now() / FRESH_MS) * FRESH_MS;
}

/** Returns the menus for time range and connectors. `names`: all connectors to choose from. */
export function Filters({ names }) {
  const { get } = useAddress();
  return html`
    <${Flex} gap="2" wrap="wrap" align="center" justify="end">
      <${RangeSelect} />
      ${get("range") === "custom" && html`<${RangeEnd} name="since" words="Since" />`}
      ${get("range") === "custom" && html`<${RangeEnd} name="until" words="Until" />`}
      <${ConnectorMenu} names=${names} />
    <//>
  `;
}

function RangeSelect() {
  const { get, set } = useAddress();
  const choose = (range) => {
    const isCustom = range === "custom";
    const start = new Date(currentMinute() - 7 * DAY_MS).toISOString();
    set({ range: range === USUAL ? "" : range, since: isCustom ? start : "", until: "" });
  };
  const options = [...RANGES, ["custom", "Since … until …"]];
  const value = get("range", USUAL);
  return html`<${Select} label="Time range" value=${value} options=${options} onChange=${choose} w="40" />`;
}

/** Returns the input for one end of a range; an empty `until` means now. */
function RangeEnd({ name, words }) {
  const { get, set } = useAddress();
  const change = ({ target }) => set({ [name]: target.value ? `${target.value}:00Z` : "" });
  const value = get(name).slice(0, 16);
  return html`
    <${Flex} as="label" gap="2" align="center" fontSize="xs" color="fg.muted" whiteSpace="nowrap">
      ${words} (UTC)
      <${Input} type="datetime-local" size="sm" w="48" color="fg" value=${value} onChange=${change} />
    <//>
  `;
}

function ConnectorMenu({ names }) {
  const { list, set } = useAddress();
  const chosen = list("connector");
  const toggle = (name) => {
    const next = chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name];
    set({ connector: next.length === names.length ? [] : next });
  };
  const words = chosen.length > 1 ? `${chosen.length} connectors` : (chosen[0] ?? "All connectors");
  return html`
    <${Menu.Root} closeOnSelect=${false}>
      <${Menu.Trigger} asChild>
        <${Button} size="sm" variant="outline" maxW="60">
          <${Text} as="span" truncate>${words}<//>
          <${Icon} name="down" />
        <//>
      <//>
      <${Portal}><${Menu.Positioner}>
        <${Menu.Content} maxH="80" overflowY="auto">
          <${Menu.Item} value="" onClick=${() => set({ connector: [] })}>All connectors<//>
          <${Menu.Separator} />
          ${[...new Set([...names, ...chosen])].map((name) => html`
            <${Menu.CheckboxItem} key=${name} value="c-${name}" checked=${chosen.includes(name)}
                onCheckedChange=${() => toggle(name)}>
              ${name}
              <${Menu.ItemIndicator} />
            <//>
          `)}
        <//>
      <//><//>
    <//>
  `;
}
