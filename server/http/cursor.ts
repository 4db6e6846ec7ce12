/** Keyset cursors: where a page ended, as the sort and the last row's key. Opaque to callers, checked when they come back. */
import { sql, type RawBuilder } from 'kysely';
import { DEFAULT_LIMIT } from '#contract/common.ts';
import type { AllowedScopes } from './call-context.ts';
import { ControlError } from './control-error.ts';

interface Keyset {
  /** `column` or `-column`. */
  sort: string;
  /** The sort column's value, then the tie-breakers', of the last row. */
  values: (string | number | null)[];
}

/** The cursor of a page that ended with this key. */
export const encodeCursor = (keyset: Keyset): string =>
  Buffer.from(JSON.stringify([keyset.sort, ...keyset.values])).toString('base64url');

const READABLE: Record<SortColumn['type'], (value: string | number) => boolean> = {
  text: (value) => typeof value === 'string' && !value.includes('\0'),
  timestamptz: (value) =>
    /^\d{4}-\d{2}-\d{2}T/.test(String(value)) && !Number.isNaN(Date.parse(String(value))),
  bigint: (value) => Number.isSafeInteger(value),
  uuid: (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(value)),
};

/** The keyset of a cursor that this list gave for this sort; anything else is `malformed_cursor`. */
function decodeCursor(
  cursor: string | undefined,
  sort: string,
  columns: readonly SortColumn[],
): Keyset['values'] | null {
  if (cursor === undefined) return null;
  try {
    const [itsSort, ...values] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    const readable = (value: unknown, type: SortColumn['type'] | undefined) =>
      value === null ||
      ((typeof value === 'string' || typeof value === 'number') &&
        type !== undefined &&
        READABLE[type](value));
    const fits =
      itsSort === sort &&
      values.length === columns.length &&
      values.every((value, index) => readable(value, columns[index]?.type));
    if (fits) return values as Keyset['values'];
  } catch {
    // answered below
  }
  throw new ControlError(
    'malformed_cursor',
    'The cursor is not one that this list gave for this sort; start again without a cursor.',
  );
}

export interface SortColumn {
  /** SQL of the column. */
  column: RawBuilder<unknown>;
  /** PostgreSQL type that a cursor's value is read as. */
  type: 'text' | 'timestamptz' | 'bigint' | 'uuid';
}

export interface ListRequest {
  limit?: number | undefined;
  cursor?: string | undefined;
  sort?: string | undefined;
}

/**
 * ORDER BY, the keyset condition and the page size of a list. `columns` maps each sortable name to its SQL; `tie` makes the order
 * total. A null sort value sorts as the smallest (`coalesce` it in `column`). Ask for `limit + 1` rows and give them to `pageOf`.
 */
export function keysetPage(
  request: ListRequest,
  columns: Record<string, SortColumn>,
  tie: SortColumn,
  defaultSort: string,
) {
  const sort = request.sort ?? defaultSort;
  const name = sort.replace(/^-/, '');
  const descending = sort.startsWith('-');
  const main = columns[name];
  if (!main) throw new ControlError('validation_failed', `Cannot sort by ${name}.`);
  const limit = request.limit ?? DEFAULT_LIMIT;
  const after = decodeCursor(request.cursor, sort, [main, tie]);
  const direction = sql.raw(descending ? 'desc' : 'asc');
  const cast = (value: string | number | null | undefined, type: SortColumn['type']) =>
    sql`${value === undefined ? null : value}::${sql.raw(type)}`;
  const condition = after
    ? sql<boolean>`(${main.column}, ${tie.column}) ${sql.raw(descending ? '<' : '>')} (${cast(after[0], main.type)}, ${cast(after[1], tie.type)})`
    : sql<boolean>`true`;
  return { sort, limit, condition, orderBy: sql`${main.column} ${direction}, ${tie.column} ${direction}` };
}

/** Cuts the extra row off and makes the cursor of the last one. */
export function pageOf<T>(
  rows: T[],
  page: { sort: string; limit: number },
  keyOf: (row: T) => Keyset['values'],
): { items: T[]; next_cursor: string | null } {
  const items = rows.slice(0, page.limit);
  const last = items.at(-1);
  return {
    items,
    next_cursor:
      rows.length > page.limit && last ? encodeCursor({ sort: page.sort, values: keyOf(last) }) : null,
  };
}

/** Totals of filtered lists stop counting here. */
export const TOTAL_BOUND = 1000;
export const boundedTotal = (counted: number) => ({
  count: Math.min(counted, TOTAL_BOUND),
  exact: counted <= TOTAL_BOUND,
});

/** Condition that narrows the rows of the table aliased `outside`, by its `tenant_id` and `environment`, to the scopes that the caller holds. */
export function scopeCondition(scopes: AllowedScopes): RawBuilder<boolean> {
  if (scopes.all) return sql<boolean>`true`;
  return sql<boolean>`exists (select from jsonb_to_recordset(${JSON.stringify(scopes.scopes)}::jsonb) as allowed(tenant_id text, environment text)
    where (allowed.tenant_id is null or allowed.tenant_id = outside.tenant_id) and (allowed.environment is null or allowed.environment = outside.environment))`;
}
