/**
 * Airflow's way in: it loads this module and shows the component of this name at each place that the plugin names;
 * the properties tell which place it is.
 */

import { Component, h } from "./element.js";
import { Problem } from "./empty.js";
import { Page } from "./page.js";
import { RunTab } from "./run.js";
import { TaskTab } from "./task.js";

const NAME = "Collective Insights";

function CollectiveInsights({ dagId, runId, taskId }) {
  const place = dagId ? (taskId ? TaskTab : RunTab) : Page;
  return h(Guard, { key: `${dagId} ${runId} ${taskId}` }, h(place, { dagId, runId, taskId }));
}

/** Keeps a defect of these pages to themselves: the rest of Airflow goes on. */
class Guard extends Component {
  state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  render() {
    if (!this.state.hasFailed) return this.props.children;
    const error = new Error("This page has failed; the browser's console says why.");
    return h(Problem, { error, retry: () => this.setState({ hasFailed: false }) });
  }
}

globalThis[NAME] = CollectiveInsights;
