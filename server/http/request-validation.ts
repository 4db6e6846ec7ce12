/** Checks requests against the contract. Bodies are taken as they are; query and path parameters are text, so they are read as their type. */
import { Ajv, type ErrorObject } from 'ajv';
import formats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import type { FieldError } from '#contract/problem.ts';

const options = { allErrors: true, strict: false, allowUnionTypes: true, useDefaults: true };
// The plugin's types describe its CommonJS form.
const addFormats = formats as unknown as (ajv: Ajv) => Ajv;
const bodies = addFormats(new Ajv(options));
const parameters = addFormats(new Ajv({ ...options, coerceTypes: 'array' }));

/** What is checked before anything else of a body: beyond this depth of errors nobody reads on. */
const MAX_ERRORS = 20;

export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validate = (httpPart === 'body' ? bodies : parameters).compile(schema);
  return (data: unknown) =>
    validate(data)
      ? { value: data }
      : { error: new ValidationFailed(validate.errors ?? [], httpPart ?? 'body') };
};

const PARTS: Record<string, FieldError['in']> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

/** Input that does not fit its schema, as field errors with JSON pointers. */
export class ValidationFailed extends Error {
  readonly errors: FieldError[];
  constructor(errors: ErrorObject[], httpPart: string) {
    super('validation failed');
    this.errors = errors.slice(0, MAX_ERRORS).map((error) => ({
      in: PARTS[httpPart] ?? 'body',
      pointer: pointerOf(error),
      message: messageOf(error),
    }));
  }
}

const escapePointer = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1');

function pointerOf(error: ErrorObject): string {
  const { additionalProperty, missingProperty } = error.params as Record<string, string | undefined>;
  const child = additionalProperty ?? missingProperty;
  return child === undefined ? error.instancePath : `${error.instancePath}/${escapePointer(child)}`;
}

function messageOf(error: ErrorObject): string {
  if (error.keyword === 'additionalProperties') return 'is not a known field';
  if (error.keyword === 'required') return 'is required';
  if (error.keyword === 'enum')
    return `must be one of ${(error.params['allowedValues'] as unknown[]).join(', ')}`;
  return error.message ?? 'does not fit';
}
