/** Detections per day, stacked by connector. */

import { Chart, plainTooltip } from "./chart.js";
import { seriesToken } from "./colors.js";
import { Button, html, Stack, useMemo, useState } from "./element.js";
import { Empty } from "./empty.js";
import { formatCount } from "./format.js";
import { DataTable } from "./table.js";

const DAY_MS = 86_400_000;

/** Returns the chart, with its figures as a table on demand. */
export function DaysChart({ found, names }) {
  const [isOpen, setOpen] = useState(false);
  const table = useMemo(() => arrange(found, names), [found, names]);
  const makeOption = useMemo(() => (color) => makeBars(table, color), [table]);
  if (!found.days.length) return html`<${Empty} title="No detections in this time range" sentence=${NEXT} />`;
  const label = `Detections per day (UTC), ${table.days.length} days, by connector: ${table.connectors.join(", ")}.`;
  return html`
    <${Stack} gap="2">
      <${Chart} label=${label} height=${300} makeOption=${makeOption} />
      <${Button} size="xs" variant="ghost" alignSelf="start" color="fg.muted" aria-expanded=${isOpen}
          onClick=${() => setOpen(!isOpen)}>
        ${isOpen ? "Hide figures" : "Show figures"}
      <//>
      ${isOpen && html`
        <${DataTable} label=${label} columns=${makeColumns(table)} rows=${table.rows} keyOf=${({ day }) => day}
            maxH="80" />
      `}
    <//>
  `;
}

const NEXT =
  "Choose a longer time range, or check the connectors above: a debug or paused connector delivers nothing.";

/** Returns {days, connectors, rows} with each day of the range, also those without detections. */
function arrange(found, names) {
  const connectors = [...new Set(found.days.map(({ connector }) => connector))].sort();
  const counts = new Map(found.days.map(({ day, connector, detections }) => [`${day} ${connector}`, detections]));
  const days = listDays(found);
  const rows = days.map((day) => ({ day, counts: connectors.map((name) => counts.get(`${day} ${name}`) ?? 0) }));
  const all = [...new Set([...names, ...connectors])]; // a connector keeps its color when others are hidden
  return { days, connectors, rows, colors: connectors.map((name) => seriesToken(all.indexOf(name))) };
}

function listDays({ since, until, days }) {
  const known = days.map(({ day }) => day);
  const first = [since?.slice(0, 10), ...known].filter(Boolean).sort()[0];
  const last = [lastDay(until), ...known].filter(Boolean).sort().at(-1);
  const count = Math.min(400, Math.round((Date.parse(last) - Date.parse(first)) / DAY_MS) + 1);
  return Array.from({ length: count }, (_, index) =>
    new Date(Date.parse(first) + index * DAY_MS).toISOString().slice(0, 10),
  );
}

function lastDay(until) {
  return until ? new Date(Date.parse(until) - 1).toISOString().slice(0, 10) : null;
}

function makeColumns({ connectors }) {
  const each = connectors.map((title, index) => ({
    title,
    isNumber: true,
    cell: ({ counts }) => formatCount(counts[index]),
  }));
  return [{ title: "Day (UTC)", isHead: true, cell: ({ day }) => day }, ...each];
}

function makeBars({ days, connectors, rows, colors }, color) {
  const muted = { color: color("fg.muted"), fontSize: 11 };
  const line = { lineStyle: { color: color("border") } };
  return {
    grid: { left: 8, right: 20, top: connectors.length > 1 ? 36 : 12, bottom: 4, containLabel: true },
    legend: {
      show: connectors.length > 1,
      left: 0,
      top: 0,
      icon: "roundRect",
      itemWidth: 10,
      itemHeight: 10,
      textStyle: muted,
    },
    tooltip: plainTooltip(color, describeDay, { trigger: "axis", axisPointer: { type: "shadow" } }),
    xAxis: {
      type: "category",
      data: days,
      axisLabel: { ...muted, formatter: (day) => day.slice(5) },
      axisLine: line,
      axisTick: { show: false },
    },
    yAxis: { type: "value", minInterval: 1, axisLabel: { ...muted, formatter: formatCount }, splitLine: line },
    series: connectors.map((name, index) => ({
      name,
      type: "bar",
      stack: "all",
      barMaxWidth: 32,
      itemStyle: { color: color(colors[index]) },
      emphasis: { focus: "series" },
      data: rows.map(({ counts }) => counts[index]),
    })),
  };
}

function describeDay(bars) {
  const lines = bars
    .filter(({ value }) => value)
    .map(({ seriesName, value }) => `${seriesName}: ${formatCount(value)}`);
  return [bars[0].name, ...(lines.length ? lines : ["No detections"])].join("\n");
}
