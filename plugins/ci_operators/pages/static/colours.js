/** Airflow's colour tokens as a canvas takes them, and its colour mode as it is switched. */

import { useEffect, useState } from "./element.js";

const SERIES = ["blue.500", "amber.500", "emerald.500", "violet.500", "cyan.500", "pink.500", "lime.500", "slate.500"];

/** What becomes of an event, each with its icon and the palette of Airflow's that stands for it. */
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
  // of a verdict alone
  found: ["question", "brand"],
  several: ["search", "brand"],
  unclear: ["warning", "orange"],
};

/** Returns the icon and the palette of a fate, a state or a verdict. */
export function markOf(word) {
  return MARKS[word] ?? ["clock", "gray"];
}

/** Returns the palette of a fate or state. */
export function paletteOf(word) {
  return markOf(word)[1];
}

/** Returns the token of a fate's or state's area in a picture: a middle shade, which is seen in both modes. */
export function areaToken(word) {
  const palette = paletteOf(word);
  return palette === "gray" ? "slate.400" : `${palette === "success" ? "green" : palette}.500`;
}

const canvas = document.createElement("canvas");
const pencil = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));

/** Returns a token's colour as rgba(): chart libraries do not read the colour spaces of Airflow's theme. */
export function tokenColour(token) {
  const name = `--chakra-colors-${token.replaceAll(".", "-")}`;
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  pencil.clearRect(0, 0, 1, 1);
  pencil.fillStyle = "rgb(128 128 128)"; // stays when the browser does not know the value
  pencil.fillStyle = value || "rgb(128 128 128)";
  pencil.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = pencil.getImageData(0, 0, 1, 1).data;
  return `rgba(${red}, ${green}, ${blue}, ${Number((alpha / 255).toFixed(3))})`;
}

/** Returns the token of the n-th of several equal things, such as connectors. */
export function seriesToken(index) {
  return SERIES[index % SERIES.length];
}

/** Returns "light" or "dark", and again when it is switched in Airflow's menu. */
export function useColourMode() {
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
