/** Numbers, times and durations as text. Times are in the time zone chosen in Airflow's menu. */

const figures = new Intl.NumberFormat("en");

/** Returns a count as "12,345", or a dash if it is not known. */
export function formatCount(count) {
  return count === null || count === undefined ? "–" : figures.format(count);
}

/** Returns "1 event", "12,345 events". */
export function countOf(count, noun) {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Returns a share, such as "12 %" or "< 1 %". */
export function formatShare(part, whole) {
  if (!whole) return "–";
  const percent = (100 * part) / whole;
  return percent > 0 && percent < 1 ? "< 1 %" : `${Math.round(percent)} %`;
}

/** Returns the time zone chosen in Airflow's menu, UTC if there is none. */
function chosenZone() {
  const kept = (localStorage.getItem("timezone") ?? "").replaceAll('"', "");
  return kept && isZone(kept) ? kept : "UTC";
}

function isZone(name) {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

/** Returns {year, month, day, hour, minute, second} of an ISO time in the chosen zone, null without a time. */
function readParts(iso) {
  const time = iso ? new Date(iso) : null;
  if (!time || Number.isNaN(time.getTime())) return null;
  // Swedish writes 2026-03-10 12:00:00.
  const style = /** @type {const} */ ({ hourCycle: "h23", dateStyle: "short", timeStyle: "medium" });
  const parts = new Intl.DateTimeFormat("sv", { ...style, timeZone: chosenZone() }).formatToParts(time);
  return Object.fromEntries(parts.map(({ type, value }) => [type, value]));
}

/** Returns a time in Airflow's format, "2026-03-10 12:00:05", or a dash without a time. */
export function formatTime(iso) {
  const at = readParts(iso);
  return at ? `${formatDate(at)} ${at.hour}:${at.minute}:${at.second}` : "–";
}

/** Returns "2026-03-10 12:00 – 12:05", with seconds and the second date only if they are needed. */
export function formatWindow(since, until) {
  const [from, to] = [readParts(since), readParts(until)];
  if (!from || !to) return "–";
  const hasSeconds = from.second !== "00" || to.second !== "00";
  const clock = (at) => (hasSeconds ? `${at.hour}:${at.minute}:${at.second}` : `${at.hour}:${at.minute}`);
  const end = formatDate(from) === formatDate(to) ? clock(to) : `${formatDate(to)} ${clock(to)}`;
  return `${formatDate(from)} ${clock(from)} – ${end}`;
}

function formatDate(at) {
  return `${at.year}-${at.month}-${at.day}`;
}

const UNITS = { day: 86_400, h: 3_600, min: 60, s: 1 };

/** Returns seconds as "2 days 3 h", "5 min", "1.4 s", "120 ms": at most two units; a dash without a value. */
export function formatDuration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds > 0 && seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  return splitUnits(Math.round(seconds)) || "0 s";
}

function splitUnits(seconds) {
  const words = [];
  let rest = seconds;
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count) words.push(unit === "day" && count > 1 ? `${count} days` : `${count} ${unit}`);
    if (words.length && (!count || words.length === 2)) break;
  }
  return words.join(" ");
}

/** Returns how long ago an ISO time was: "12 min ago", "just now". */
export function formatAgo(iso, now = Date.now()) {
  const seconds = (now - new Date(iso).getTime()) / 1000;
  if (!iso || Number.isNaN(seconds)) return "–";
  return seconds < 5 ? "just now" : `${splitUnits(Math.round(seconds)).split(" ").slice(0, 2).join(" ")} ago`;
}

/** Returns bytes as "12 KB", "3.4 MB". */
export function formatBytes(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  if (bytes < 1000) return `${bytes} B`;
  const unit = bytes < 1e6 ? "KB" : bytes < 1e9 ? "MB" : "GB";
  const size = bytes / { KB: 1e3, MB: 1e6, GB: 1e9 }[unit];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

/** Returns a code's name for people: "missing_actor" becomes "missing actor". */
export function plainCode(code) {
  return (code ?? "").replaceAll("_", " ");
}

/** Returns the word with its first letter in upper case. */
export function capitalize(word) {
  return word ? word[0].toUpperCase() + word.slice(1) : "";
}
