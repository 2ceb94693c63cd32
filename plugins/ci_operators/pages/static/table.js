/** Tables with named rows and columns, as Airflow's look. */

import { Fragment, html, Table } from "./element.js";

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: any) => any} cell
 * @property {boolean} [isNumber] aligned by its last figure
 * @property {boolean} [isHead] names the row
 * @property {string} [hint] says more about the title
 * @property {object} [style]
 */

/**
 * Returns a table.
 * @param {object} props
 * @param {string} props.label what the table shows, for those who hear it
 * @param {Column[]} props.columns
 * @param {any[]} props.rows
 * @param {(row: any, index: number) => string} props.keyOf
 * @param {(row: any) => void} [props.onOpen] what a click on a row does; a button in the row does it for keyboards
 * @param {(row: any) => any} [props.below] what is shown under a row, over its whole width
 * @param {(row: any) => boolean} [props.isChosen]
 */
export function DataTable({ label, columns, rows, keyOf, onOpen, below, isChosen, ...style }) {
  const heads = columns.map(({ title, hint, isNumber }) => html`
    <${Table.ColumnHeader} key=${title} scope="col" textAlign=${isNumber ? "end" : "start"} title=${hint} ...${HEAD}>
      ${title}
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
