/** Inputs, menus and buttons. */

import { apiAddress } from "./api.js";
import { Icon } from "./badges.js";
import { Box, Button, CloseButton, html, Input, InputGroup, Link, Menu, NativeSelect, Portal } from "./element.js";

/**
 * Returns a search box; Enter starts the search.
 * `words` is its content; `onSearch` gets it without surrounding spaces, also when it is cleared.
 */
export function SearchBox({ words, setWords, onSearch, label, placeholder = label, size = "sm", autoFocus, ...style }) {
  const submit = (event) => {
    event.preventDefault();
    onSearch(words.trim());
  };
  const type = ({ target }) => setWords(target.value);
  const clear = () => {
    setWords("");
    onSearch("");
  };
  const glass = html`<${Icon} name="search" color="fg.muted" />`;
  const cross = html`<${CloseButton} size="2xs" type="button" onClick=${clear} aria-label="Clear" />`;
  return html`
    <${Box} as="form" role="search" onSubmit=${submit} ...${style}>
      <${InputGroup} startElement=${glass} endElement=${words ? cross : undefined}>
        <${Input} aria-label=${label} placeholder=${placeholder} type="text" maxLength=${2000} size=${size}
            value=${words} onChange=${type} autoFocus=${autoFocus} spellCheck=${false} />
      <//>
    <//>
  `;
}

/** Returns a menu to choose one of `options`, each [value, words]; `onChange` gets the chosen value. */
export function Select({ label, value, options, onChange, w = "36" }) {
  return html`
    <${NativeSelect.Root} size="sm" w=${w}>
      <${NativeSelect.Field} aria-label=${label} value=${value} onChange=${({ target }) => onChange(target.value)}>
        ${options.map(([each, words]) => html`<option key=${each} value=${each}>${words}</option>`)}
      <//>
      <${NativeSelect.Indicator} />
    <//>
  `;
}

/** Returns a button that looks like a link; a click on it is not a click on the row around it. */
export function LinkButton({ onClick, children, ...more }) {
  const click = (event) => {
    event.stopPropagation();
    onClick();
  };
  return html`<${Link} as="button" type="button" color="fg.info" onClick=${click} ...${more}>${children}<//>`;
}

/** Returns a menu with the section's figures as CSV and as JSON. `what` names the export, `title` the section. */
export function ExportMenu({ what, title, parameters }) {
  const item = (form, words) => html`
    <${Menu.Item} value=${form} asChild>
      <a href=${apiAddress(`export/${what}.${form}`, parameters)} download>${words}</a>
    <//>
  `;
  return html`
    <${Menu.Root}>
      <${Menu.Trigger} asChild>
        <${Button} size="xs" variant="ghost" color="fg.muted" aria-label="Export: ${title}">
          <${Icon} name="download" />
          Export
        <//>
      <//>
      <${Portal}><${Menu.Positioner}>
        <${Menu.Content}>${item("csv", "CSV for spreadsheets")}${item("json", "JSON for programs")}<//>
      <//><//>
    <//>
  `;
}

/** Returns a button that saves a file of the API. */
export function DownloadButton({ path, parameters, children }) {
  const link = html`<a href=${apiAddress(path, parameters)} download><${Icon} name="download" />${children}</a>`;
  return html`<${Button} size="sm" variant="outline" asChild>${link}<//>`;
}
