/** The table of lists and details: rows of 36 px, a header that stays, selection, sorting by the server, and row actions. */
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import {
  flexRender,
  rowSelectionFeature,
  tableFeatures,
  useTable,
  type ColumnDef,
  type RowSelectionState,
} from '@tanstack/react-table';
import { Link, useNavigate, type LinkProps } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Hint } from './hint.tsx';
import { ActionMenu, type Action } from './action-menu.tsx';
import classes from './data-table.module.css';

const features = tableFeatures({ rowSelectionFeature });
type Features = typeof features;

/** A column. Declared at module level, so that the table keeps its rows while data refreshes. */
export interface Column<Row> {
  id: string;
  header: string;
  cell: (row: Row) => React.ReactNode;
  /** Name of the server's sort column; makes the header a button. */
  sort?: string;
  align?: 'right';
  /** Least width in px. */
  width?: number;
  /** Takes the room that is left. */
  grow?: true;
  /** Left out where the table has less than 1,200 px: what it says stands elsewhere, too. */
  wide?: true;
  /** What the column says, on hover over its header. */
  hint?: string;
}

export type RowLink = Pick<LinkProps, 'to' | 'params' | 'search'>;

export interface DataTableProps<Row extends object> {
  /** What the table holds, for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowId: (row: Row) => string;
  /** Where a click on the row leads; the first column becomes the link. */
  rowLink?: ((row: Row) => RowLink | null) | undefined;
  /** In place of a link: a click on the row, or on its first column, which becomes a button. */
  onOpen?: ((row: Row) => void) | undefined;
  rowActions?: ((row: Row) => readonly Action[]) | undefined;
  selection?: { ids: RowSelectionState; onChange: (ids: RowSelectionState) => void } | undefined;
  sort?: { value: string | undefined; onChange: (sort: string) => void } | undefined;
  /** Rows of skeleton to show in place of `rows`. */
  skeleton?: number | undefined;
  dimmed?: boolean;
  /** Stands in the body when there are no rows. */
  empty?: React.ReactNode;
  /** Without a frame of its own, inside a panel. */
  plain?: boolean;
}

const INTERACTIVE = 'a, button, input, label, [role="menuitem"], [role="dialog"]';

/** Arrow keys go from row to row. */
function moveFocus(event: React.KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const table = event.currentTarget.closest('table');
  const links = [...(table?.querySelectorAll<HTMLElement>('[data-row-link]') ?? [])];
  const at = links.indexOf(event.currentTarget);
  const next = links[at + (event.key === 'ArrowDown' ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

export function DataTable<Row extends object>({
  label,
  columns,
  rows,
  rowId,
  rowLink,
  onOpen,
  rowActions,
  selection,
  sort,
  skeleton,
  dimmed = false,
  empty,
  plain = false,
}: DataTableProps<Row>) {
  const navigate = useNavigate();
  const definitions = useMemo(
    () =>
      columns.map((column): ColumnDef<Features, Row> => ({
        id: column.id,
        header: column.header,
        cell: ({ row }) => column.cell(row.original),
      })),
    [columns],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: rowId,
    enableRowSelection: selection !== undefined,
    state: { rowSelection: selection?.ids ?? {} },
    onRowSelectionChange: (update) =>
      selection?.onChange(typeof update === 'function' ? update(selection.ids) : update),
  });
  const byId = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns]);
  const spare = (selection ? 1 : 0) + (rowActions ? 1 : 0);

  return (
    <div className={classes.scroll} data-plain={plain || undefined} tabIndex={-1}>
      <table
        className={classes.table}
        data-dimmed={dimmed || undefined}
        aria-busy={skeleton !== undefined}
        aria-label={label}
      >
        <thead>
          <tr>
            {selection && (
              <th className={classes.check} scope="col">
                <input
                  type="checkbox"
                  aria-label="Select all rows of this page"
                  checked={rows.length > 0 && table.getIsAllRowsSelected()}
                  ref={(box) => {
                    if (box) box.indeterminate = table.getIsSomeRowsSelected();
                  }}
                  disabled={rows.length === 0}
                  onChange={table.getToggleAllRowsSelectedHandler()}
                />
              </th>
            )}
            {columns.map((column) => (
              <HeaderCell key={column.id} column={column} sort={sort} />
            ))}
            {rowActions && (
              <th className={classes.menu} scope="col">
                <span className={classes.hidden}>Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {skeleton !== undefined
            ? Array.from({ length: skeleton }, (_, index) => (
                <SkeletonRow
                  key={index}
                  columns={columns}
                  index={index}
                  lead={selection !== undefined}
                  tail={rowActions !== undefined}
                />
              ))
            : table.getRowModel().rows.map((row) => {
                const link = rowLink?.(row.original) ?? null;
                return (
                  <tr
                    key={row.id}
                    data-selected={row.getIsSelected() || undefined}
                    data-open={link || onOpen ? true : undefined}
                    onClick={(event) => {
                      if ((event.target as HTMLElement).closest(INTERACTIVE)) return;
                      if (event.metaKey || event.ctrlKey || getSelection()?.isCollapsed === false) return;
                      if (link) void navigate(link as Parameters<typeof navigate>[0]);
                      else onOpen?.(row.original);
                    }}
                  >
                    {selection && (
                      <td className={classes.check}>
                        <input
                          type="checkbox"
                          aria-label={`Select ${row.id}`}
                          checked={row.getIsSelected()}
                          onChange={row.getToggleSelectedHandler()}
                        />
                      </td>
                    )}
                    {row.getAllCells().map((cell, index) => {
                      const content = flexRender(cell.column.columnDef.cell, cell.getContext());
                      return (
                        <td
                          key={cell.id}
                          data-align={byId.get(cell.column.id)?.align}
                          data-grow={byId.get(cell.column.id)?.grow}
                          data-wide={byId.get(cell.column.id)?.wide}
                        >
                          {index === 0 && link ? (
                            <Link
                              {...(link as LinkProps)}
                              className={classes.link}
                              data-row-link
                              onKeyDown={moveFocus}
                            >
                              {content}
                            </Link>
                          ) : index === 0 && onOpen ? (
                            <button
                              type="button"
                              className={classes.link}
                              data-row-link
                              onClick={() => onOpen(row.original)}
                              onKeyDown={moveFocus}
                            >
                              {content}
                            </button>
                          ) : (
                            content
                          )}
                        </td>
                      );
                    })}
                    {rowActions && (
                      <td className={classes.menu}>
                        <ActionMenu actions={rowActions(row.original)} label={`Actions of ${row.id}`} />
                      </td>
                    )}
                  </tr>
                );
              })}
          {skeleton === undefined && rows.length === 0 && empty && (
            <tr className={classes.empty}>
              <td colSpan={columns.length + spare}>{empty}</td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

function HeaderCell<Row>({ column, sort }: { column: Column<Row>; sort: DataTableProps<object>['sort'] }) {
  const { header, align, width, grow, wide, hint } = column;
  const style = { minWidth: width, width: grow ? '100%' : undefined };
  if (column.sort === undefined || !sort) {
    const text = hint ? (
      <Hint label={hint}>
        <span>{header}</span>
      </Hint>
    ) : (
      header
    );
    return (
      <th scope="col" data-align={align} data-wide={wide} style={style}>
        {text}
      </th>
    );
  }
  const ascending = sort.value === column.sort;
  const descending = sort.value === `-${column.sort}`;
  const Arrow = descending ? IconArrowDown : IconArrowUp;
  return (
    <th
      scope="col"
      data-align={align}
      data-wide={wide}
      style={style}
      aria-sort={ascending ? 'ascending' : descending ? 'descending' : 'none'}
    >
      <button
        type="button"
        className={classes.sort}
        data-active={ascending || descending || undefined}
        onClick={() => sort.onChange(ascending ? `-${column.sort}` : (column.sort as string))}
      >
        {header}
        <Arrow size={13} aria-hidden />
      </button>
    </th>
  );
}

const WIDTHS = [62, 48, 74, 55, 68, 42] as const;

function SkeletonRow<Row>({
  columns,
  index,
  lead,
  tail,
}: {
  columns: readonly Column<Row>[];
  index: number;
  lead: boolean;
  tail: boolean;
}) {
  return (
    <tr aria-hidden>
      {lead && <td className={classes.check} />}
      {columns.map((column, at) => (
        <td key={column.id} data-align={column.align} data-wide={column.wide}>
          <span className={classes.bone} style={{ width: `${WIDTHS[(index + at * 2) % WIDTHS.length]}%` }} />
        </td>
      ))}
      {tail && <td className={classes.menu} />}
    </tr>
  );
}
