/** The overview: do the connectors deliver, how much, and what was left out. */

import { useAnswer } from "./answers.js";
import { countCares, ConnectorsTable, standingOf } from "./connectors_table.js";
import { DaysChart } from "./days_chart.js";
import { Chakra, Fragment, h } from "./element.js";
import { Answered, Lines, Problem } from "./empty.js";
import { ExportMenu } from "./exports.js";
import { usePeriod } from "./filters.js";
import { countOf, formatCount } from "./format.js";
import { Indicators } from "./indicators.js";
import { Reasons } from "./reasons.js";
import { Figure, Muted, Section } from "./section.js";

const { Grid, SimpleGrid, Skeleton, Stack } = Chakra;

/** Returns the overview. `connectors` is the answer of api/connectors, which the page's header shares. */
export function Overview({ connectors }) {
  const period = usePeriod();
  const days = useAnswer("trends/days", period);
  const reasons = useAnswer("trends/reasons", period);
  const indicators = useAnswer("trends/indicators", period);
  const names = connectors.data?.names ?? [];
  const all = [connectors, days, reasons, indicators];
  if (all.every(({ data, error }) => !data && error?.message === connectors.error?.message && error)) {
    return h(Problem, { error: connectors.error, retry: () => all.forEach(({ retry }) => retry()) });
  }
  if (connectors.data?.connectors.length === 0) return h(ConnectorsTable, { found: connectors.data });
  return h(
    Stack,
    { gap: 4 },
    h(Summary, { connectors, days, reasons }),
    h(
      Section,
      { title: "Connectors", actions: h(ExportMenu, { what: "connectors", title: "Connectors", parameters: period }) },
      h(Answered, { answer: connectors, children: (found) => h(ConnectorsTable, { found }) }),
    ),
    h(
      Grid,
      { templateColumns: { base: "minmax(0, 1fr)", xl: "minmax(0, 3fr) minmax(0, 2fr)" }, gap: 4 },
      h(
        Trend,
        { what: "days", title: "Detections per day", note: "UTC, by connector", answer: days, period },
        (found) => h(DaysChart, { found, names }),
      ),
      h(
        Trend,
        {
          what: "reasons",
          title: "Why events were left out",
          note: "by the runs of this time",
          answer: reasons,
          period,
        },
        (found) => h(Reasons, { found }),
      ),
    ),
    h(Trend, { what: "indicators", title: "Top indicators", answer: indicators, period }, (found) =>
      h(Indicators, { found }),
    ),
  );
}

function Trend({ what, title, note, answer, period, children }) {
  const draw = (found) =>
    h(Fragment, null, found.note && h(Muted, { as: "p", color: "fg.error", mb: 2 }, found.note), children(found));
  const actions = h(ExportMenu, { what, title, parameters: period });
  return h(
    Section,
    { title, note, actions },
    h(Answered, { answer, skeleton: h(Lines, { count: 5 }), children: draw }),
  );
}

function Summary({ connectors, days, reasons }) {
  const rows = connectors.data?.connectors;
  if (!rows) return connectors.error ? null : h(Skeleton, { h: 24 });
  const live = rows.filter(({ debug }) => !debug);
  const isGood = (row) => standingOf(row)[1] === "On time";
  const cares = rows.reduce((sum, row) => sum + countCares(row), 0);
  const leftOut = reasons.data?.reasons.reduce((sum, { events }) => sum + events, 0);
  const good = live.filter(isGood).length;
  return h(
    SimpleGrid,
    { columns: { base: 2, lg: 4 }, gap: 4 },
    h(Figure, {
      name: "Connectors on time",
      value: `${formatCount(good)} of ${formatCount(live.length)}`,
      note: rows.length > live.length ? `and ${countOf(rows.length - live.length, "dry run")}` : "",
      palette: good < live.length ? "orange" : "green",
    }),
    h(Figure, { name: "Detections delivered", value: formatCount(countDetections(days.data)), note: "in this time" }),
    h(Figure, { name: "Events left out", value: formatCount(leftOut), note: "by a criterion, or quarantined" }),
    h(Figure, {
      name: "Need a look",
      value: formatCount(cares),
      note: "unknown, held, rejected, quarantined",
      palette: cares ? "orange" : undefined,
    }),
  );
}

function countDetections(found) {
  return found?.detections ?? found?.days?.reduce((sum, { detections }) => sum + detections, 0);
}
