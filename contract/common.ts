/** Schemas that every domain uses. Data keeps its `snake_case` name from the column to the screen. */
import { Type, type Static, type TSchema } from 'typebox';

export const Uuid = Type.String({ format: 'uuid' });
/** RFC 3339 in UTC with milliseconds or microseconds. */
export const Timestamp = Type.String({ format: 'date-time' });
/** Lower-case slug: starts with a letter or digit, then letters, digits and hyphens; 2 to 63 characters. */
export const Slug = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{1,62}$', minLength: 2, maxLength: 63 });
export const Environment = Type.String({
  pattern: '^[a-z][a-z0-9-]{1,31}$',
  maxLength: 32,
  description: 'Name of an environment, in promotion order: dev, staging, prod',
});
/** Why a change is made; kept in the audit log. */
export const Reason = Type.String({
  minLength: 3,
  maxLength: 500,
  pattern: '\\S',
  description: 'Why; kept in the audit log',
});
export const Email = Type.String({ format: 'email', maxLength: 254 });

/** The schema or null, as a type array rather than a union: that serialises without trying each branch. */
export const Nullable = <T extends TSchema>(schema: T) =>
  Type.Unsafe<Static<T> | null>({ ...schema, type: [(schema as { type?: string }).type, 'null'] });

/** String enum as a union of literals. */
export const OneOf = <const T extends readonly string[]>(values: T, options: { description?: string } = {}) =>
  Type.Unsafe<T[number]>(Type.String({ enum: [...values], ...options }));

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 200;

/** Query parameters that every list takes; `sort` is `column` or `-column`. */
export const listQuery = <const S extends readonly string[], P extends Record<string, TSchema>>(
  sortable: S,
  filters: P,
) =>
  Type.Object(
    {
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT })),
      cursor: Type.Optional(Type.String({ maxLength: 1024, description: 'next_cursor of the page before' })),
      sort: Type.Optional(
        OneOf(sortable.flatMap((column) => [column, `-${column}`]) as `${'' | '-'}${S[number]}`[]),
      ),
      ...filters,
    },
    { additionalProperties: false },
  );

/** A page of a list. `total.exact` false means "at least `count`": totals are bounded, never scanned. */
export const Page = <T extends TSchema>(item: T) =>
  Type.Object({
    items: Type.Array(item),
    next_cursor: Nullable(Type.String()),
    total: Type.Object({ count: Type.Integer(), exact: Type.Boolean() }),
  });
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
  total: { count: number; exact: boolean };
}

/** Every mutating answer names the job that did or does it; an atomic change is a job that has already succeeded. */
export const Mutated = <P extends Record<string, TSchema>>(properties: P) =>
  Type.Object({ job_id: Uuid, ...properties });

/** The answer (202) of an operation that waits for approvals instead of having happened; `job_id` is of the asking. */
export const AwaitsApproval = Mutated({ approval_id: Uuid });
export type AwaitsApproval = Static<typeof AwaitsApproval>;

/** Where and when a figure was observed; shown with its age. `error` says why there is none. */
export const Observation = Type.Object({
  source: Type.String({ description: 'What it was read from: node, placement store, …' }),
  observed_at: Nullable(Timestamp),
  interval_s: Type.Number({ description: 'How often it is read; older than twice this is stale' }),
});
export type Observation = Static<typeof Observation>;
