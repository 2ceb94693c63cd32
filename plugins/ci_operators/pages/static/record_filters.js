/** The filters over a run's records: a text, a fate, a stage, a reason. */

import { useAddress } from "./address.js";
import { Chakra, h, useEffect, useState } from "./element.js";
import { plainCode } from "./format.js";
import { SearchBox } from "./search_box.js";

const { Button, Flex, NativeSelect } = Chakra;

const FATES = [
  ["", "All fates"],
  ["detection", "Detections"],
  ["dropped", "Dropped"],
  ["quarantined", "Quarantined"],
];

/** Returns the filters; what they are set to is `query`, and stands in the address. */
export function RecordFilters({ run, query, only }) {
  const { set } = useAddress();
  const [words, setWords] = useState(query.search);
  useEffect(() => setWords(query.search), [query.search]);
  const stages = [["", "All stages"], ...run.stages.map(({ stage }) => [stage, stage])];
  const isSet = query.fate || query.code || query.search || (!only && query.stage);
  return h(
    Flex,
    { gap: 2, wrap: "wrap", align: "center" },
    h(SearchBox, {
      words,
      setWords,
      onSearch: (search) => set({ search }),
      label: "Search id, indicator, reason, code or state",
      flex: "1 1 16rem",
      maxW: "md",
    }),
    h(Select, { label: "Fate", value: query.fate, options: FATES, onChange: (fate) => set({ fate, code: "" }) }),
    !only &&
      h(Select, { label: "Stage", value: query.stage, options: stages, onChange: (stage) => set({ stage, code: "" }) }),
    h(Select, {
      label: "Reason",
      value: query.code,
      options: listCodes(run, query, only),
      onChange: (code) => set({ code }),
      w: 56,
    }),
    isSet &&
      h(
        Button,
        { size: "sm", variant: "ghost", onClick: () => set({ search: "", fate: "", stage: "", code: "" }) },
        "Clear filters",
      ),
  );
}

function Select({ label, value, options, onChange, w = 36 }) {
  const items = options.map(([each, words]) => h("option", { key: each, value: each }, words));
  return h(
    NativeSelect.Root,
    { size: "sm", w },
    h(NativeSelect.Field, { "aria-label": label, value, onChange: ({ target }) => onChange(target.value) }, items),
    h(NativeSelect.Indicator),
  );
}

/** Returns the reasons and issues that the run has met, as far as the other filters leave them. */
function listCodes(run, { fate, stage, code }, only) {
  const stages = run.stages.filter((each) => !(only || stage) || each.stage === (only || stage));
  const counts = stages.flatMap((each) => [
    ...(fate === "quarantined" ? [] : each.dropped),
    ...(fate === "dropped" ? [] : each.quarantined),
  ]);
  const codes = new Set([...counts.map((each) => each.code), code].filter(Boolean));
  return [["", "All reasons"], ...[...codes].sort().map((each) => [each, plainCode(each)])];
}
