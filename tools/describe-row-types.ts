import { Kysely, PostgresDialect as KyselyDialect } from 'kysely';
import {
  generate,
  GenericExpressionNode,
  PostgresDialect,
  RawExpressionNode,
  type ExpressionNode,
} from 'kysely-codegen';
import type pg from 'pg';

type FixedValues = { column: string; definition: string; nullable: boolean; has_default: boolean };

/** The row types of schema `public`, as the pool of `server/db/database.ts` reads and writes them. */
export async function describeRowTypes(pool: pg.Pool): Promise<string> {
  const text = await generate({
    db: new Kysely({ dialect: new KyselyDialect({ pool }) }),
    dialect: new PostgresDialect(),
    includePattern: 'public.*',
    outFile: null,
    typeOnlyImports: true,
    // The pool's parsers give RFC 3339 strings and, since all of ours stay below 2^53, numbers.
    typeMapping: { timestamptz: 'string', int8: 'number' },
    overrides: { columns: await readColumnsOfFixedValues(pool) },
  });
  return text.replace(
    /^\/\*\*[^]*?\*\/\n/,
    '/** Generated from the migrations by "npm run generate". Do not edit. */\n',
  );
}

/** A column with a `check (column in ('a', 'b'))` gets the type `'a' | 'b'`. */
async function readColumnsOfFixedValues(pool: pg.Pool): Promise<Record<string, ExpressionNode>> {
  const { rows } = await pool.query<FixedValues>(`
    select c.relname || '.' || a.attname as "column", pg_get_constraintdef(k.oid) as definition,
           not a.attnotnull as nullable, a.atthasdef as has_default
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
    where k.contype = 'c' and cardinality(k.conkey) = 1 and k.connamespace = 'public'::regnamespace`);
  const columns = rows.flatMap(({ column, definition, nullable, has_default }) => {
    const list = /^CHECK \(\(\w+ = ANY \(ARRAY\[((?:'[^']+'::text(?:, )?)+)\]\)\)\)$/.exec(definition)?.[1];
    if (list === undefined) return [];
    const values = list.replaceAll('::text', '').split(', ');
    const type = new RawExpressionNode([...values, ...(nullable ? ['null'] : [])].join(' | '));
    return [[column, has_default ? new GenericExpressionNode('Generated', [type]) : type] as const];
  });
  return Object.fromEntries(columns);
}
