/**
 * Airflow's way in: it loads this module and shows the component of this name at each place that the plugin names;
 * the properties tell which place it is.
 */

import { Component, html, useEffect, useSearchParams, useState } from "./element.js";
import { Problem } from "./empty.js";
import { Page } from "./page.js";
import { RunTab, TaskTab } from "./run.js";

const NAME = "Collective Insights";

function CollectiveInsights({ dagId, runId, taskId }) {
  const place = dagId ? (taskId ? TaskTab : RunTab) : Page;
  if (!useSettled()) return null;
  return html`
    <${Guard} key="${dagId} ${runId} ${taskId}">
      <${place} dagId=${dagId} runId=${runId} taskId=${taskId} />
    <//>
  `;
}

let isSettled = false;

/**
 * Returns whether the page may show itself. Airflow 3.3 shows the first component of a page through another element
 * than later ones (its ReactPlugin: by `lazy`, then by name), so at the first change of address all would start over:
 * focus, scroll position, and what is open. So the address is set to what it is, before there is anything to lose.
 */
function useSettled() {
  const [isShown, setShown] = useState(isSettled);
  const [, setSearch] = useSearchParams();
  useEffect(() => {
    if (isShown) return;
    isSettled = true;
    setSearch((old) => old, { replace: true, preventScrollReset: true });
    setShown(true);
  }, []);
  return isShown;
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
    return html`<${Problem} error=${error} retry=${() => this.setState({ hasFailed: false })} />`;
  }
}

globalThis[NAME] = CollectiveInsights;
