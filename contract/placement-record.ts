import { Type, type Static } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';

/**
 * The placement record and its codec: which shard serves a tenant, for one service kind in one environment.
 * Stored under the key `<service>.<tenant_id>`; the environment is the store (one store each), so it is not in the key.
 */

/** Service kinds that tenants are placed on. */
export const SERVICE_KINDS = ['aggregate', 'projection', 'runner'] as const;
export type ServiceKind = (typeof SERVICE_KINDS)[number];

/** Every kind of platform node; a gateway reads placements but holds no shard. */
export const NODE_KINDS = ['gateway', ...SERVICE_KINDS] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

/** `active` takes work; `draining` finishes what is in flight; `moving` is between two shards. Only `active` takes new work. */
export const PLACEMENT_STATES = ['active', 'draining', 'moving'] as const;
export type PlacementState = (typeof PLACEMENT_STATES)[number];

// A dot separates the tokens of a key-value key (and of a NATS subject), so neither part of a key may contain one.
const KEY_TOKEN = '^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$';
const KEY_TOKEN_TEST = new RegExp(KEY_TOKEN);

/** Name that the key-value bucket of an environment's placements has unless its settings say otherwise. */
export const PLACEMENT_BUCKET = 'TENANT_PLACEMENT';

export const ServiceKindSchema = Type.Union([
  Type.Literal('aggregate'),
  Type.Literal('projection'),
  Type.Literal('runner'),
]);

export const PlacementStateSchema = Type.Union([
  Type.Literal('active'),
  Type.Literal('draining'),
  Type.Literal('moving'),
]);

/**
 * One placement. `epoch` counts the moves of this tenant and kind (it rises by one with each change of shard);
 * `job_id` is the job that holds the placement, or null; `updated_at` is ISO 8601.
 */
export const PlacementRecordSchema = Type.Object({
  tenant_id: Type.String({ pattern: KEY_TOKEN }),
  service: ServiceKindSchema,
  shard: Type.String({ pattern: KEY_TOKEN }),
  state: PlacementStateSchema,
  epoch: Type.Integer({ minimum: 0 }),
  job_id: Type.Union([Type.String({ minLength: 1, maxLength: 200 }), Type.Null()]),
  updated_at: Type.String({ format: 'date-time' }),
});
export type PlacementRecord = Static<typeof PlacementRecordSchema>;

/** A text that is not a placement record. `field` names the wrong field, or is `''` when the whole text is wrong. */
export class PlacementRecordError extends Error {
  readonly field: string;
  constructor(field: string, detail: string, options?: ErrorOptions) {
    super(`placement record: ${field === '' ? '' : `field ${field} `}${detail}`, options);
    this.name = 'PlacementRecordError';
    this.field = field;
  }
}

/** The key of a placement: `<service>.<tenant_id>`. Throws PlacementRecordError for a tenant id that cannot be in a key. */
export function placementKey(service: ServiceKind, tenant_id: string): string {
  if (!KEY_TOKEN_TEST.test(tenant_id)) {
    throw new PlacementRecordError('tenant_id', `must match ${KEY_TOKEN}, not ${JSON.stringify(tenant_id)}`);
  }
  return `${service}.${tenant_id}`;
}

/** The parts of a placement key. Throws PlacementRecordError when the text is not one. */
export function parsePlacementKey(key: string): { service: ServiceKind; tenant_id: string } {
  const dot = key.indexOf('.');
  const service = SERVICE_KINDS.find((kind) => kind === key.slice(0, dot));
  const tenant_id = key.slice(dot + 1);
  if (service === undefined || !KEY_TOKEN_TEST.test(tenant_id)) {
    throw new PlacementRecordError('', `key ${JSON.stringify(key)} is not <service>.<tenant_id>`);
  }
  return { service, tenant_id };
}

// Compiled on first use: the UI imports the constants above and should carry no validator.
let validator: Validator | undefined;

function checkRecord(value: unknown): PlacementRecord {
  validator ??= Compile(PlacementRecordSchema);
  if (!validator.Check(value)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new PlacementRecordError('', 'must be a JSON object');
    }
    for (const field of Object.keys(PlacementRecordSchema.properties)) {
      if (!(field in value)) throw new PlacementRecordError(field, 'is missing');
    }
    const [error] = validator.Errors(value);
    throw new PlacementRecordError(error?.instancePath.slice(1) ?? '', error?.message ?? 'is wrong');
  }
  // Only the known fields: a field that a newer writer added must not travel on half understood.
  const { tenant_id, service, shard, state, epoch, job_id, updated_at } = value as PlacementRecord;
  return { tenant_id, service, shard, state, epoch, job_id, updated_at };
}

/** JSON text of a record. Throws PlacementRecordError when the record breaks its schema, so that nothing wrong is ever stored. */
export function encodePlacementRecord(record: PlacementRecord): string {
  return JSON.stringify(checkRecord(record));
}

/** The record in a stored text. Unknown fields are dropped. Throws PlacementRecordError naming the wrong field. */
export function decodePlacementRecord(text: string): PlacementRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new PlacementRecordError('', 'is not JSON', { cause });
  }
  return checkRecord(value);
}
