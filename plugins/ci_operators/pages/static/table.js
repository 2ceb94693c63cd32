/** Tables with named rows and columns, as Airflow's look. */

import { Chakra, Fragment, h } from "./element.js";

const { Table } = Chakra;

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
 * @param {(row: any) => any} [props.below] what stands under a row, over its whole width
 * @param {(row: any) => boolean} [props.isChosen]
 */
export function DataTable({ label, columns, rows, keyOf, onOpen, below, isChosen, ...style }) {
  const heads = columns.map((column) =>
    h(
      Table.ColumnHeader,
      { key: column.title, scope: "col", textAlign: column.isNumber ? "end" : "start", title: column.hint, ...HEAD },
      column.title,
    ),
  );
  const body = rows.map((row, index) => h(Row, { key: keyOf(row, index), row, columns, onOpen, below, isChosen }));
  return h(
    Table.ScrollArea,
    { tabIndex: 0, role: "group", "aria-label": label, whiteSpace: "normal", ...style },
    h(
      Table.Root,
      { size: "sm", "aria-label": label, bg: "transparent" },
      h(Table.Header, null, h(Table.Row, { bg: "transparent" }, heads)),
      h(Table.Body, null, body),
    ),
  );
}

const HEAD = { color: "fg.muted", fontSize: "xs", fontWeight: "bold", whiteSpace: "nowrap", verticalAlign: "bottom" };

function Row({ row, columns, onOpen, below, isChosen }) {
  const under = below?.(row);
  const look = {
    bg: isChosen?.(row) ? "brand.solid/15" : "transparent",
    _hover: onOpen ? { bg: "brand.solid/10", cursor: "pointer" } : undefined,
  };
  const open = onOpen ? () => globalThis.getSelection()?.isCollapsed !== false && onOpen(row) : undefined;
  const cells = columns.map((column) => h(Cell, { key: column.title, row, column, isOpenBelow: Boolean(under) }));
  return h(
    Fragment,
    null,
    h(Table.Row, { ...look, onClick: open }, cells),
    under && h(Table.Row, { bg: "transparent" }, h(Table.Cell, { colSpan: columns.length, pt: 0 }, under)),
  );
}

function Cell({ row, column, isOpenBelow }) {
  const head = column.isHead ? { as: "th", scope: "row", fontWeight: "normal" } : {};
  const number = column.isNumber ? { fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" } : {};
  const look = { textAlign: column.isNumber ? "end" : "start", borderBottomWidth: isOpenBelow ? 0 : undefined };
  return h(Table.Cell, { ...head, ...number, ...look, ...column.style }, column.cell(row));
}
