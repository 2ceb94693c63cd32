/** Tables with row and column headers that look like Airflow's. */

import { Fragment, html, Table } from "./element.js";
import { Hint } from "./section.js";

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: any) => any} cell
 * @property {boolean} [isNumber] aligned to the right
 * @property {boolean} [isHead] is the row's header
 * @property {string} [hint] explains the title
 * @property {object} [style]
 */

/**
 * Returns a table.
 * @param {object} props
 * @param {string} props.label what the table shows, for screen readers
 * @param {Column[]} props.columns
 * @param {any[]} props.rows
 * @param {(row: any, index: number) => string} props.keyOf
 * @param {(row: any) => void} [props.onOpen] called by a click on a row; a button in the row is for keyboards
 * @param {(row: any) => any} [props.below] returns what is shown below a row, over its full width
 * @param {(row: any) => boolean} [props.isChosen]
 */
export function DataTable({ label, columns, rows, keyOf, onOpen, below, isChosen, ...style }) {
  const heads = columns.map(({ title, hint, isNumber }) => html`
    <${Table.ColumnHeader} key=${title} scope="col" textAlign=${isNumber ? "end" : "start"} ...${HEAD}>
      ${title}${hint && html`<${Hint} text=${hint} />`}
    <//>
  `);
  const body = rows.map((row, index) => html`
    <${Row} key=${keyOf(row, index)} row=${row} columns=${columns} onOpen=${onOpen} below=${below}
        isChosen=${isChosen} />
  `);
  return html`
    <${Table.ScrollArea} tabIndex=${0} role="group" aria-label=${label} whiteSpace="normal" ...${style}>
      <${Table.Root} size="sm" aria-label=${label} bg="transparent">
        <${Table.Header}><${Table.Row} bg="transparent">${heads}<//><//>
        <${Table.Body}>${body}<//>
      <//>
    <//>
  `;
}

const HEAD = { color: "fg.muted", fontSize: "xs", fontWeight: "bold", whiteSpace: "nowrap", verticalAlign: "bottom" };

function Row({ row, columns, onOpen, below, isChosen }) {
  const under = below?.(row);
  const look = {
    bg: isChosen?.(row) ? "brand.solid/15" : "transparent",
    _hover: onOpen ? { bg: "brand.solid/10", cursor: "pointer" } : undefined,
  };
  const open = onOpen ? () => globalThis.getSelection()?.isCollapsed !== false && onOpen(row) : undefined;
  const cells = columns.map((column) => html`
    <${Cell} key=${column.title} row=${row} column=${column} isOpenBelow=${Boolean(under)} />
  `);
  return html`
    <${Fragment}>
      <${Table.Row} ...${look} onClick=${open}>${cells}<//>
      ${under && html`<${Table.Row} bg="transparent"><${Table.Cell} colSpan=${columns.length} pt="0">${under}<//><//>`}
    <//>
  `;
}

function Cell({ row, column, isOpenBelow }) {
  const head = column.isHead ? { as: "th", scope: "row", fontWeight: "normal" } : {};
  const number = column.isNumber ? { fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" } : {};
  const look = { textAlign: column.isNumber ? "end" : "start", borderBottomWidth: isOpenBelow ? 0 : undefined };
  return html`<${Table.Cell} ...${head} ...${number} ...${look} ...${column.style}>${column.cell(row)}<//>`;
}
