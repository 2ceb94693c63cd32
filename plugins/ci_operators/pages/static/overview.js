/** The overview: whether the connectors deliver, how much, and what was left out. */

import { useAnswer } from "./api.js";
import { ConnectorsTable, countCares } from "./connectors_table.js";
import { ExportMenu } from "./controls.js";
import { DaysChart } from "./days_chart.js";
import { Fragment, Grid, html, SimpleGrid, Skeleton, Stack } from "./element.js";
import { Answered, Lines, Problem } from "./empty.js";
import { usePeriod } from "./filters.js";
import { formatCount } from "./format.js";
import { Figure, Muted, Section } from "./section.js";
import { Indicators, Reasons } from "./trends.js";

/** Returns the overview. `connectors` is the answer of api/connectors, which the page's header uses too. */
export function Overview({ connectors }) {
  const period = usePeriod();
  const days = useAnswer("trends/days", period);
  const reasons = useAnswer("trends/reasons", period);
  const indicators = useAnswer("trends/indicators", period);
  const names = connectors.data?.names ?? [];
  const all = [connectors, days, reasons, indicators];
  if (all.every(({ data, error }) => !data && error?.message === connectors.error?.message && error)) {
    const retry = () => {
      for (const answer of all) answer.retry();
    };
    return html`<${Problem} error=${connectors.error} retry=${retry} />`;
  }
  if (connectors.data?.connectors.length === 0) return html`<${ConnectorsTable} found=${connectors.data} />`;
  return html`
    <${Stack} gap="4">
      <${Summary} connectors=${connectors} days=${days} reasons=${reasons} />
      <${Section} title="Connectors"
          actions=${html`<${ExportMenu} what="connectors" title="Connectors" parameters=${period} />`}>
        <${Answered} answer=${connectors}>${(found) => html`<${ConnectorsTable} found=${found} />`}<//>
      <//>
      <${Grid} templateColumns=${{ base: "minmax(0, 1fr)", xl: "minmax(0, 3fr) minmax(0, 2fr)" }} gap="4">
        <${Trend} what="days" title="Detections per day" note="UTC, by connector" answer=${days} period=${period}>
          ${(found) => html`<${DaysChart} found=${found} names=${names} />`}
        <//>
        <${Trend} what="reasons" title="Why events did not arrive" note="runs in this time range"
            answer=${reasons} period=${period}>
          ${(found) => html`<${Reasons} found=${found} />`}
        <//>
      <//>
      <${Trend} what="indicators" title="Top indicators" answer=${indicators} period=${period}>
        ${(found) => html`<${Indicators} found=${found} />`}
      <//>
    <//>
  `;
}

function Trend({ what, title, note, answer, period, children }) {
  const draw = (found) => html`
    <${Fragment}>
      ${found.note && html`<${Muted} as="p" color="fg.error" mb="2">${found.note}<//>`}
      ${children(found)}
    <//>
  `;
  const actions = html`<${ExportMenu} what=${what} title=${title} parameters=${period} />`;
  return html`
    <${Section} title=${title} note=${note} actions=${actions}>
      <${Answered} answer=${answer} skeleton=${html`<${Lines} count=${5} />`}>${draw}<//>
    <//>
  `;
}

function Summary({ connectors, days, reasons }) {
  const rows = connectors.data?.connectors;
  if (!rows) return connectors.error ? null : html`<${Skeleton} h="24" />`;
  const live = rows.filter(({ debug }) => !debug);
  const cares = rows.reduce((sum, row) => sum + countCares(row), 0);
  const leftOut = reasons.data?.reasons.reduce((sum, { events }) => sum + events, 0);
  const good = live.filter(({ level }) => level === "good").length;
  return html`
    <${SimpleGrid} columns=${{ base: 2, lg: 4 }} gap="4">
      <${Figure} name="Connectors on time" value="${formatCount(good)} of ${formatCount(live.length)}"
          note=${rows.length > live.length ? `and ${formatCount(rows.length - live.length)} in debug mode` : ""}
          palette=${good < live.length ? "orange" : "green"} hint=${ON_TIME} />
      <${Figure} name="Detections delivered" value=${formatCount(countDetections(days.data))} note="in this time range"
          hint=${DELIVERED} />
      <${Figure} name="Events not delivered" value=${formatCount(leftOut)} note="dropped or quarantined"
          hint=${NOT_DELIVERED} />
      <${Figure} name="Need attention" value=${formatCount(cares)} note="unknown, held, rejected, quarantined"
          palette=${cares ? "orange" : undefined} hint=${ATTENTION} />
    <//>
  `;
}

const ON_TIME = "Live connectors whose last window ended less than two update frequencies ago.";
const DELIVERED = "Detections that Recorded Future accepted. Each one counts once, on the day of its first delivery.";
const NOT_DELIVERED = "Events that a criterion excludes, and records that cannot be sent as they are.";
const ATTENTION = "Records that wait for a decision: settle, replay, or close them. `status` lists the commands.";

function countDetections(found) {
  return found?.detections ?? found?.days?.reduce((sum, { detections }) => sum + detections, 0);
}
