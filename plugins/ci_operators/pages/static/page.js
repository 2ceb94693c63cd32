/** The page in Airflow's navigation: heading, filters and views. */

import { useAddress } from "./address.js";
import { useAnswer } from "./api.js";
import { AttackView } from "./attack_matrix.js";
import { SearchBox } from "./controls.js";
import { Box, Flex, Heading, html, Tabs, useEffect, useState } from "./element.js";
import { ExplainView } from "./explain.js";
import { Filters, usePeriod } from "./filters.js";
import { Overview } from "./overview.js";

const REFRESH_MS = 60_000;
const VIEWS = [
  ["overview", "Overview"],
  ["attack", "ATT&CK"],
  ["explain", "Explain"],
];

/** Returns the page; the address says which view it shows. */
export function Page() {
  const { get, set } = useAddress();
  const { connector } = usePeriod();
  const connectors = useAnswer("connectors", { connector }, { everyMs: REFRESH_MS });
  const view = VIEWS.some(([name]) => name === get("view")) ? get("view") : "overview";
  useTitle();
  return html`
    <${Box} p="2" maxW="112rem" mx="auto">
      <${Header} view=${view}
          names=${connectors.data?.names ?? connectors.data?.connectors?.map(({ name }) => name) ?? []} />
      <${Tabs.Root} value=${view}
          onValueChange=${({ value }) => set({ view: value === "overview" ? "" : value }, { isStep: true })}
          lazyMount unmountOnExit>
        <${Tabs.List}>
          ${VIEWS.map(([value, words]) => html`<${Tabs.Trigger} key=${value} value=${value}>${words}<//>`)}
        <//>
        <${Tabs.Content} value="overview"><${Overview} connectors=${connectors} /><//>
        <${Tabs.Content} value="attack"><${AttackView} /><//>
        <${Tabs.Content} value="explain"><${ExplainView} /><//>
      <//>
    <//>
  `;
}

function Header({ view, names }) {
  const { set } = useAddress();
  const [words, setWords] = useState("");
  const ask = (q) => set({ view: "explain", q, only: "" }, { isStep: true });
  return html`
    <${Flex} gap="3" wrap="wrap" align="center" mb="2" minH="10">
      <${Heading} as="h1" size="xl" me="auto">Collective Insights<//>
      ${view !== "explain" && html`
        <${SearchBox} words=${words} setWords=${setWords} onSearch=${ask} label="Why did this event not arrive?"
            w=${{ base: "full", md: 80 }} />
      `}
      ${view !== "explain" && html`<${Filters} names=${names} />`}
    <//>
  `;
}

function useTitle() {
  useEffect(() => {
    const former = document.title;
    document.title = "Collective Insights - Airflow";
    return () => {
      document.title = former;
    };
  }, []);
}
