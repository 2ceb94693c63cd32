/** A run in one line: its window, how it was read, how long it took. State and start stand in Airflow's own header. */

import { DebugBadge } from "./badges.js";
import { Chakra, h } from "./element.js";
import { countOf, formatCount, formatDuration, formatWindow } from "./format.js";
import { Facts } from "./section.js";

const { Flex } = Chakra;

/** Returns the facts of a run, as GET api/run tells of it. */
export function RunFacts({ run }) {
  const { window } = run;
  const length = window ? (Date.parse(window.until) - Date.parse(window.since)) / 1000 : null;
  return h(
    Flex,
    { gap: 3, align: "start", wrap: "wrap", px: 1 },
    h(Facts, {
      flex: 1,
      facts: [
        ["Connector", h(Name, { run })],
        ["Window", window && formatWindow(window.since, window.until), length === null ? "" : formatDuration(length)],
        ["Length", length === null ? "" : formatDuration(length)],
        ["Basis", window?.basis, "Where the window comes from"],
        [
          "Reads back",
          run.overlap_s > 0 ? formatDuration(run.overlap_s) : "",
          "Overlap: what a source publishes late is read again",
        ],
        ["Pages read", run.pages === null ? "" : formatCount(run.pages)],
        [
          "Sent again",
          run.delivery?.resent_unknown > 0 ? countOf(run.delivery.resent_unknown, "detection") : "",
          "After an unknown outcome: Recorded Future may have stored them twice",
        ],
        ["Waited for rate limits", run.waited_s > 0 ? formatDuration(run.waited_s) : ""],
        [
          "Stages worked",
          formatDuration(run.duration_s),
          "Without waiting for workers, unlike the run's duration above",
        ],
      ],
    }),
  );
}

function Name({ run }) {
  return h(
    Flex,
    { as: "span", gap: 2, align: "center" },
    `${run.connector} (${run.source_title})`,
    run.debug && h(DebugBadge),
  );
}
