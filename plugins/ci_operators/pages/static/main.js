/**
 * The entry point for Airflow, which loads this module and shows its component at each place that the plugin
 * registers; the properties say which place it is.
 */

import { Component, html, useEffect, useLocation, useRef, useSearchParams, useState } from "./element.js";
import { Problem } from "./empty.js";
import { Page } from "./page.js";
import { RunTab, TaskTab } from "./run.js";

/** The names under which Airflow looks the component up: that of the tabs, and that of the navigation. */
const NAMES = ["Collective Insights", "Insights"];

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
 * Returns whether the page can be shown. Airflow renders the first component of a page in another element than later
 * ones (its ReactPlugin: by `lazy`, then by name), so the first change of the address would reset focus, scroll
 * position, and open menus. So the address is set to itself, and the page is shown when the router has drawn that: in
 * the other element, or still in this one if there is no other.
 */
function useSettled() {
  const [isShown, setShown] = useState(isSettled);
  const { key } = useLocation();
  const first = useRef(key);
  const [, setSearch] = useSearchParams();
  useEffect(() => {
    if (isShown) return;
    if (key !== first.current) return setShown(true);
    isSettled = true;
    setSearch((old) => old, { replace: true, preventScrollReset: true });
  }, [key]);
  return isShown;
}

/** Catches the errors of these pages, so that the rest of Airflow keeps working. */
class Guard extends Component {
  state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  render() {
    if (!this.state.hasFailed) return this.props.children;
    const error = new Error("This page failed. The browser's console shows the error.");
    return html`<${Problem} error=${error} retry=${() => this.setState({ hasFailed: false })} />`;
  }
}

for (const name of NAMES) globalThis[name] = CollectiveInsights;
