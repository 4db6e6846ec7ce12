/** Values that fit a JSON schema of the contract, for tests that call every endpoint: it knows the builders that the contract uses. */
import fc, { type Arbitrary } from 'fast-check';
import type { TSchema } from 'typebox';

interface Schema {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  minProperties?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  pattern?: string;
  format?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
}

/** Long enough to fill any field that matters; longer ones only cost time. */
const MAX_LENGTH = 40;
const MAX_ITEMS = 3;

const iso = fc
  .date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const FORMATS: Record<string, Arbitrary<string>> = {
  uuid: fc.uuid(),
  email: fc.stringMatching(/^[a-z]{1,12}@[a-z]{1,8}\.example$/),
  'date-time': iso,
  uri: fc.webUrl(),
};

function text({ pattern, format, minLength = 0, maxLength = Infinity }: Schema): Arbitrary<string> {
  const known = format === undefined ? undefined : FORMATS[format];
  if (known) return known;
  const fits = (value: string) => value.length >= minLength && value.length <= maxLength;
  if (pattern !== undefined && pattern !== '\\S') return fc.stringMatching(new RegExp(pattern)).filter(fits);
  const longest = Math.max(minLength, Math.min(maxLength, MAX_LENGTH));
  const any = fc.string({ unit: 'grapheme-ascii', minLength, maxLength: longest });
  return pattern === undefined
    ? any
    : any.map((value) => (/\S/.test(value) ? value : value.padEnd(minLength, 'x') || 'x'));
}

function record(schema: Schema): Arbitrary<Record<string, unknown>> {
  const { properties = {}, required = [], additionalProperties, minProperties = 0 } = schema;
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, each]) => [name, fromSchema(each)]),
  );
  const named = fc.record(fields, { requiredKeys: required.filter((name) => name in fields) });
  const fitting = named.filter((value) => Object.keys(value).length >= minProperties);
  if (typeof additionalProperties !== 'object') return fitting;
  return fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fromSchema(additionalProperties), { maxKeys: 3 });
}

function fromSchema(schema: Schema): Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(fromSchema));
  if (Array.isArray(schema.type))
    return fc.oneof(...schema.type.map((type) => fromSchema({ ...schema, type })));
  switch (schema.type) {
    case 'string':
      return text(schema);
    case 'integer':
      return fc.integer({
        min: schema.minimum ?? -1000,
        max: schema.maximum ?? (schema.minimum ?? 0) + 1000,
      });
    case 'number':
      return fc.double({
        min: schema.minimum ?? -1000,
        max: schema.maximum ?? (schema.minimum ?? 0) + 1000,
        noNaN: true,
      });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array': {
      const { minItems = 0, maxItems = MAX_ITEMS, uniqueItems, items = {} } = schema;
      const size = { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, MAX_ITEMS)) };
      const each = fromSchema(items);
      return uniqueItems ? fc.uniqueArray(each, size) : fc.array(each, size);
    }
    case 'object':
      return record(schema);
    case undefined:
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

/** Values that fit the schema, small ones first. */
export const arbitraryOf = (schema: TSchema): Arbitrary<unknown> => fromSchema(schema);
