/**
 * Stands in for TypeBox in the bundle (see vite.config.ts). The UI reads methods, paths and a few limits out of the contract and
 * validates nothing, so its builders need to make plain JSON Schema only; TypeBox with its type engine would be a tenth of the
 * first load. Types still come from TypeBox itself.
 */
type Schema = Record<string, unknown>;

const OPTIONAL = Symbol('optional');
const of =
  (type: string) =>
  (options: Schema = {}): Schema => ({ type, ...options });

export const Type = {
  String: of('string'),
  Integer: of('integer'),
  Number: of('number'),
  Boolean: of('boolean'),
  Null: of('null'),
  Unknown: (options: Schema = {}): Schema => options,
  Unsafe: (schema: Schema): Schema => schema,
  Literal: (value: unknown): Schema => ({ const: value }),
  Optional: (schema: Schema): Schema => ({ ...schema, [OPTIONAL]: true }),
  Union: (anyOf: Schema[], options: Schema = {}): Schema => ({ anyOf, ...options }),
  Tuple: (prefixItems: Schema[], options: Schema = {}): Schema => ({
    type: 'array',
    prefixItems,
    ...options,
  }),
  Array: (items: Schema, options: Schema = {}): Schema => ({ type: 'array', items, ...options }),
  Record: (_: Schema, values: Schema, options: Schema = {}): Schema => ({
    type: 'object',
    additionalProperties: values,
    ...options,
  }),
  Object: (properties: Record<string, Schema>, options: Schema = {}): Schema => ({
    type: 'object',
    properties,
    required: Object.keys(properties).filter((name) => !(OPTIONAL in (properties[name] as Schema))),
    ...options,
  }),
};
