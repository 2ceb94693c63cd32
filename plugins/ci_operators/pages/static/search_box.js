/** A box to type what is looked for; Enter looks for it. */

import { Chakra, h } from "./element.js";
import { Icon } from "./icons.js";

const { CloseButton, Input, InputGroup } = Chakra;

/** Returns the box. `words` is what stands in it; `onSearch` gets it without spaces around, also when emptied. */
export function SearchBox({
  words,
  setWords,
  onSearch,
  label,
  placeholder = label,
  size = "sm",
  inputRef,
  autoFocus,
  ...style
}) {
  const submit = (event) => {
    event.preventDefault();
    onSearch(words.trim());
  };
  const clear = () => {
    setWords("");
    onSearch("");
  };
  const cross = words
    ? h(CloseButton, { size: "2xs", type: "button", onClick: clear, "aria-label": "Empty the box" })
    : undefined;
  const input = h(Input, {
    "aria-label": label,
    autoFocus,
    maxLength: 2000,
    onChange: ({ target }) => setWords(target.value),
    placeholder,
    ref: inputRef,
    size,
    spellCheck: false,
    type: "text",
    value: words,
  });
  return h(
    Chakra.Box,
    { as: "form", role: "search", onSubmit: submit, ...style },
    h(InputGroup, { startElement: h(Icon, { name: "search", color: "fg.muted" }), endElement: cross }, input),
  );
}
