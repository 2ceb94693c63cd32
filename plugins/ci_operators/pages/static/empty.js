/** Empty states, notices and errors: a sentence, and what to do next. */

import { Icon } from "./badges.js";
import { Alert, Box, Button, EmptyState, Flex, html, Skeleton, Stack } from "./element.js";

/** Returns an empty state: what is missing, and what to do. */
export function Empty({ icon = "inbox", title, sentence, children }) {
  return html`
    <${EmptyState.Root} size="sm" py="8">
      <${EmptyState.Content}>
        <${EmptyState.Indicator} color="fg.muted"><${Icon} name=${icon} boxSize="8" /><//>
        <${Stack} textAlign="center" gap="1" maxW="xl">
          <${EmptyState.Title} overflowWrap="anywhere">${title}<//>
          ${sentence && html`<${EmptyState.Description} overflowWrap="anywhere">${sentence}<//>`}
        <//>
        ${children}
      <//>
    <//>
  `;
}

/** Returns a highlighted sentence, with an optional button. */
export function Notice({ status = "info", children, action }) {
  return html`
    <${Alert.Root} status=${status} variant="subtle" size="sm" alignItems="center" borderRadius="md">
      <${Alert.Indicator} />
      <${Alert.Content}><${Alert.Description} overflowWrap="anywhere">${children}<//><//>
      ${action}
    <//>
  `;
}

/** Returns why a request failed, with a button to try again if that can help. */
export function Problem({ error, retry }) {
  if (error.status === 403) return html`<${Empty} icon="lock" title="No permission" sentence=${error.message} />`;
  if (error.status === 404) return html`<${Empty} title="Nothing to show here" sentence=${error.message} />`;
  const isLogin = error.status === 401;
  const again = isLogin ? () => globalThis.location.reload() : retry;
  const isQuestion = error.status === 400; // the same question gets the same answer
  const button =
    !isQuestion && html`<${Button} size="xs" variant="outline" onClick=${again}>${isLogin ? "Reload" : "Retry"}<//>`;
  return html`<${Notice} status=${isQuestion ? "warning" : "error"} action=${button}>${error.message}<//>`;
}

/** Returns gray lines as a placeholder while something loads. */
export function Lines({ count = 3, height = 5 }) {
  const lines = Array.from({ length: count }, (_, index) => html`<${Skeleton} key=${index} h=${height} />`);
  return html`<${Stack} gap="3" aria-busy aria-label="Loading">${lines}<//>`;
}

/**
 * Returns `children(data)` for an answer; a skeleton while it loads; the error if it failed.
 * @param {{answer: import("./api.js").Answer, skeleton?: any, children: (data: any) => any}} props
 */
export function Answered({ answer, skeleton, children }) {
  const { data, error, isStale, retry } = answer;
  if (!data) return error ? html`<${Problem} error=${error} retry=${retry} />` : (skeleton ?? html`<${Lines} />`);
  return html`
    <${Box} opacity=${isStale ? 0.5 : 1} transition="opacity 0.2s" transitionDelay=${isStale ? "0.4s" : "0s"}
        aria-busy=${isStale}>
      ${error && html`<${Flex} mb="3" direction="column"><${Problem} error=${error} retry=${retry} /><//>`}
      ${children(data)}
    <//>
  `;
}
