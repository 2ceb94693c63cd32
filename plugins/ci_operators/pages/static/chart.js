/** A chart by Apache ECharts, which is loaded with the first chart; it follows Airflow's color mode. */

import { tokenColor, useColorMode } from "./colors.js";
import { Box, html, Skeleton, useEffect, useRef, useState } from "./element.js";
import { Problem } from "./empty.js";

const LIBRARY = "./vendor/echarts-6.1.0.esm.min.js";

/**
 * Returns a chart. A table must have its figures too, for people who cannot see the chart.
 * @param {object} props
 * @param {string} props.label what the chart shows
 * @param {number} props.height in pixels
 * @param {(color: (token: string) => string, width: number) => object} props.makeOption returns ECharts' option for a
 *   width in pixels; keep it with useMemo
 * @param {(what: any) => void} [props.onPick] called with the clicked item's data
 */
export function Chart({ label, height, makeOption, onPick, ...style }) {
  const place = useRef(null);
  const [chart, setChart] = useState(/** @type {any} */ (null));
  const [width, setWidth] = useState(0);
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const mode = useColorMode();
  useEffect(() => open(place.current, setChart, setError), []);
  useEffect(() => watchWidth(place.current, setWidth), []);
  useEffect(() => {
    if (!chart || !width) return;
    chart.resize({ width, height });
    chart.setOption({ ...shared(label), ...makeOption(tokenColor, width) }, { notMerge: true });
  }, [chart, makeOption, mode, label, width, height]);
  useEffect(() => listen(chart, onPick), [chart, onPick]);
  if (error) return html`<${Problem} error=${error} retry=${() => globalThis.location.reload()} />`;
  return html`
    <${Box} position="relative" ...${style}>
      ${!chart && html`<${Skeleton} position="absolute" inset="0" />`}
      <div ref=${place} role="img" aria-label=${label} style=${{ height, width: "100%" }} />
    <//>
  `;
}

/** Creates the chart in its place; returns a function that removes it. */
function open(place, setChart, setError) {
  let chart = /** @type {any} */ (null);
  let isOver = false;
  import(LIBRARY).then(
    (library) => {
      if (isOver) return;
      chart = library.init(place, null, { renderer: "svg" });
      setChart(chart);
    },
    () => setError(new Error("The chart library could not be loaded. The tables have the figures.")),
  );
  return () => {
    isOver = true;
    chart?.dispose();
  };
}

function watchWidth(place, setWidth) {
  const watcher = new ResizeObserver(() => setWidth(Math.floor(place.clientWidth)));
  watcher.observe(place);
  return () => watcher.disconnect();
}

function listen(chart, onPick) {
  if (!chart || !onPick) return undefined;
  const tell = (event) => onPick(event.data);
  chart.on("click", tell);
  return () => chart.isDisposed() || chart.off("click", tell);
}

function shared(label) {
  return {
    animation: false, // the figures can change every few seconds
    aria: { enabled: true, label: { description: label } },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
  };
}

/** Returns a tooltip that is drawn as text: an HTML tooltip would run a script in a name. */
export function plainTooltip(color, formatter, more = {}) {
  return {
    renderMode: "richText",
    backgroundColor: color("bg.panel"),
    borderColor: color("border"),
    textStyle: { color: color("fg"), fontSize: 12 },
    formatter,
    ...more,
  };
}
