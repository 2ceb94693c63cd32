/** What is shown when there is nothing to show yet, or ever: a calm sentence, and what to do next. */

import { Chakra, h } from "./element.js";
import { Icon } from "./icons.js";

const { Alert, Box, Button, EmptyState, Flex, Skeleton, Stack } = Chakra;

/** Returns an empty state: what is not there, and what to do. */
export function Empty({ icon = "inbox", title, sentence, children }) {
  return h(
    EmptyState.Root,
    { size: "sm", py: 8 },
    h(
      EmptyState.Content,
      null,
      h(EmptyState.Indicator, { color: "fg.muted" }, h(Icon, { name: icon, boxSize: 8 })),
      h(
        Stack,
        { textAlign: "center", gap: 1, maxW: "xl" },
        h(EmptyState.Title, { overflowWrap: "anywhere" }, title),
        sentence && h(EmptyState.Description, { overflowWrap: "anywhere" }, sentence),
      ),
      children,
    ),
  );
}

/** Returns a sentence worth noticing, with an optional button. */
export function Notice({ status = "info", children, action }) {
  return h(
    Alert.Root,
    { status, variant: "subtle", size: "sm", alignItems: "center", borderRadius: "md" },
    h(Alert.Indicator),
    h(Alert.Content, null, h(Alert.Description, { overflowWrap: "anywhere" }, children)),
    action,
  );
}

/** Returns why there is no answer, and the way to try again where that may help. */
export function Problem({ error, retry }) {
  if (error.status === 403) return h(Empty, { icon: "lock", title: "No permission", sentence: error.message });
  if (error.status === 404) return h(Empty, { title: "Nothing to show here", sentence: error.message });
  const isLogin = error.status === 401;
  const again = isLogin ? () => globalThis.location.reload() : retry;
  const isQuestion = error.status === 400; // the same question gets the same answer
  const button =
    !isQuestion && h(Button, { size: "xs", variant: "outline", onClick: again }, isLogin ? "Reload" : "Retry");
  return h(Notice, { status: isQuestion ? "warning" : "error", action: button }, error.message);
}

/** Returns grey lines in place of what loads. */
export function Lines({ count = 3, height = 5 }) {
  const lines = Array.from({ length: count }, (_, index) => h(Skeleton, { key: index, h: height }));
  return h(Stack, { gap: 3, "aria-busy": true, "aria-label": "Loading" }, lines);
}

/**
 * Returns the content of an answer: `children(data)` once it is there; before, a skeleton; without it, the problem.
 * @param {{answer: ReturnType<import("./answers.js").useAnswer>, skeleton?: any, children: (data: any) => any}} props
 */
export function Answered({ answer, skeleton, children }) {
  const { data, error, isStale, retry } = answer;
  if (!data) return error ? h(Problem, { error, retry }) : (skeleton ?? h(Lines));
  return h(
    Box,
    // Only what lasts is dimmed: a quick answer changes the figures and nothing else.
    {
      opacity: isStale ? 0.5 : 1,
      transition: "opacity 0.2s",
      transitionDelay: isStale ? "0.4s" : "0s",
      "aria-busy": isStale,
    },
    error && h(Flex, { mb: 3, direction: "column" }, h(Problem, { error, retry })),
    children(data),
  );
}
