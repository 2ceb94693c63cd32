/** Airflow's color tokens as colors for a canvas, and its current color mode. */

import { useEffect, useState } from "./element.js";

const SERIES = ["blue.500", "amber.500", "emerald.500", "violet.500", "cyan.500", "pink.500", "lime.500", "slate.500"];

/** Outcomes and states of an event, each with its icon and its palette in Airflow's theme. */
const MARKS = {
  passed: ["check", "brand"],
  accepted: ["check", "success"],
  replayed: ["check", "success"],
  detection: ["check", "success"],
  dropped: ["minus", "gray"],
  quarantined: ["warning", "orange"],
  held: ["warning", "orange"],
  unknown: ["question", "orange"],
  waiting: ["clock", "blue"],
  planned: ["clock", "blue"],
  reserved: ["clock", "blue"],
  rejected: ["cross", "red"],
  // only of a verdict
  found: ["question", "brand"],
  several: ["search", "brand"],
  unclear: ["warning", "orange"],
};

/** Returns the icon and the palette of an outcome, a state or a verdict. */
export function markOf(word) {
  return MARKS[word] ?? ["clock", "gray"];
}

/** Returns the palette of an outcome or state. */
export function paletteOf(word) {
  return markOf(word)[1];
}

/** Returns the color token for the area of an outcome or state in a chart: a medium shade, visible in both modes. */
export function areaToken(word) {
  const palette = paletteOf(word);
  return palette === "gray" ? "slate.400" : `${palette === "success" ? "green" : palette}.500`;
}

const canvas = document.createElement("canvas");
const pencil = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));

/** Returns a token's color as rgba(), because chart libraries cannot read the color spaces of Airflow's theme. */
export function tokenColor(token) {
  const name = `--chakra-colors-${token.replaceAll(".", "-")}`;
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  pencil.clearRect(0, 0, 1, 1);
  pencil.fillStyle = "rgb(128 128 128)"; // used if the browser cannot read the value
  pencil.fillStyle = value || "rgb(128 128 128)";
  pencil.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = pencil.getImageData(0, 0, 1, 1).data;
  return `rgba(${red}, ${green}, ${blue}, ${Number((alpha / 255).toFixed(3))})`;
}

/** Returns the color token of the n-th item of a series, such as a connector. */
export function seriesToken(index) {
  return SERIES[index % SERIES.length];
}

/** Returns "light" or "dark", and updates when a person switches it in Airflow's menu. */
export function useColorMode() {
  const [mode, setMode] = useState(readMode);
  useEffect(() => {
    const watcher = new MutationObserver(() => setMode(readMode()));
    watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    return () => watcher.disconnect();
  }, []);
  return mode;
}

function readMode() {
  return document.documentElement.classList.contains("dark") ? "dark" : "light";
}
