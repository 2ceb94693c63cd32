/** The page in Airflow's navigation: its heading, filters and views. */

import { useAddress } from "./address.js";
import { useAnswer } from "./answers.js";
import { AttackView } from "./attack_matrix.js";
import { Chakra, h, useEffect, useState } from "./element.js";
import { ExplainView } from "./explain.js";
import { Filters, usePeriod } from "./filters.js";
import { Overview } from "./overview.js";
import { SearchBox } from "./search_box.js";

const { Box, Flex, Heading, Tabs } = Chakra;

const REFRESH_MS = 60_000;
const VIEWS = [
  ["overview", "Overview"],
  ["attack", "ATT&CK"],
  ["explain", "Explain"],
];

/** Returns the page; which view it shows is in its address. */
export function Page() {
  const { get, set } = useAddress();
  const { connector } = usePeriod();
  const connectors = useAnswer("connectors", { connector }, { everyMs: REFRESH_MS });
  const view = VIEWS.some(([name]) => name === get("view")) ? get("view") : "overview";
  useTitle();
  return h(
    Box,
    { p: 2, maxW: "112rem", mx: "auto" },
    h(Header, { view, names: connectors.data?.names ?? connectors.data?.connectors?.map(({ name }) => name) ?? [] }),
    h(
      Tabs.Root,
      {
        value: view,
        onValueChange: ({ value }) => set({ view: value === "overview" ? "" : value }, { isStep: true }),
        lazyMount: true,
        unmountOnExit: true,
      },
      h(
        Tabs.List,
        null,
        VIEWS.map(([value, words]) => h(Tabs.Trigger, { key: value, value }, words)),
      ),
      h(Tabs.Content, { value: "overview" }, h(Overview, { connectors })),
      h(Tabs.Content, { value: "attack" }, h(AttackView)),
      h(Tabs.Content, { value: "explain" }, h(ExplainView)),
    ),
  );
}

function Header({ view, names }) {
  const { set } = useAddress();
  const [words, setWords] = useState("");
  const ask = (q) => set({ view: "explain", q, only: "" }, { isStep: true });
  return h(
    Flex,
    { gap: 3, wrap: "wrap", align: "center", mb: 2, minH: 10 },
    h(Heading, { as: "h1", size: "xl", me: "auto" }, "Collective Insights"),
    view !== "explain" &&
      h(SearchBox, {
        words,
        setWords,
        onSearch: ask,
        label: "Why did this event not arrive?",
        w: { base: "full", md: 80 },
      }),
    view !== "explain" && h(Filters, { names }),
  );
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
