/**
 * Streams and buckets of tenants on NATS JetStream. Whose they are stands in the metadata of the stream.
 *
 * NATS can seal a stream, but nobody can break that seal. Retiring takes the stream off its subjects instead, so that nothing is
 * published to it any more, and remembers them: what it holds stays readable.
 */
import {
  DiscardPolicy,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamInfo,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { nanos } from '@nats-io/transport-node';
import {
  TenantResourceError,
  type TenantResource,
  type TenantResourceErrorCode,
  type TenantResourceId,
  type TenantResourceStore,
} from '#server/scale/tenant-resource-store.ts';
import { describeNatsError, jetStreamCode, JETSTREAM } from './nats-error.ts';
import type { NatsLink } from './nats-link.ts';

const TENANT = 'control_tenant_id';
const JOB = 'control_job_id';
const RETIRED_SUBJECTS = 'control_retired_subjects';
const REQUEST_LIMIT_MS = 5_000;

const CODES: Record<string, TenantResourceErrorCode> = { full: 'full', not_writable: 'refused' };

/** Uses the link of the environment and leaves closing it to its owner. */
export function createNatsTenantResources(link: NatsLink): TenantResourceStore {
  async function run<T>(
    { kind, name }: TenantResourceId,
    work: (manager: JetStreamManager) => Promise<T>,
  ): Promise<T> {
    const what = `${kind} ${name} of NATS at ${link.address}`;
    try {
      const connection = await link.connection();
      return await work(await jetstreamManager(connection, { checkAPI: false, timeout: REQUEST_LIMIT_MS }));
    } catch (error) {
      if (error instanceof TenantResourceError) throw error;
      if (jetStreamCode(error) === JETSTREAM.subjects_overlap) {
        throw new TenantResourceError('taken', `the subjects of ${what} belong to another stream`, {
          cause: error,
        });
      }
      const [code, message] = describeNatsError(error, what);
      if (code === null) throw error;
      throw new TenantResourceError(CODES[code] ?? 'unavailable', message, { cause: error });
    }
  }

  /** The stream of a resource when it is this tenant's. */
  async function own(
    manager: JetStreamManager,
    id: TenantResourceId,
    tenant_id: string,
  ): Promise<StreamInfo | 'absent' | 'foreign'> {
    const info = await find(manager, id);
    if (info === null) return 'absent';
    return info.config.metadata?.[TENANT] === tenant_id ? info : 'foreign';
  }

  return {
    state: (id, tenant_id) =>
      run(id, async (manager) => {
        const found = await own(manager, id, tenant_id);
        if (typeof found === 'string') return found;
        return isRetired(found) ? 'retired' : 'in_use';
      }),
    create: (resource, { tenant_id, job_id }) =>
      run(resource, async (manager) => {
        const before = await own(manager, resource, tenant_id);
        if (before === 'absent') await make(manager, resource, { [TENANT]: tenant_id, [JOB]: job_id });
        const after = before === 'absent' ? await own(manager, resource, tenant_id) : before;
        if (after !== 'foreign') return;
        const what = `there is a ${resource.kind} ${resource.name} already that is not ${tenant_id}'s`;
        throw new TenantResourceError('taken', `${what} in NATS at ${link.address}`);
      }),
    removeCreated: (id, { tenant_id, job_id }) =>
      run(id, async (manager) => {
        const found = await own(manager, id, tenant_id);
        if (typeof found === 'string' || found.config.metadata?.[JOB] !== job_id) return;
        await manager.streams.delete(found.config.name);
      }),
    retire: (id, tenant_id) =>
      run(id, async (manager) => {
        const found = await own(manager, id, tenant_id);
        if (typeof found === 'string' || isRetired(found)) return;
        const { name, subjects, metadata } = found.config;
        await manager.streams.update(name, {
          subjects: [`_retired.${name}`],
          metadata: { ...metadata, [RETIRED_SUBJECTS]: JSON.stringify(subjects) },
        });
      }),
    revive: (id, tenant_id) =>
      run(id, async (manager) => {
        const found = await own(manager, id, tenant_id);
        if (typeof found === 'string' || !isRetired(found)) return;
        const { [RETIRED_SUBJECTS]: subjects = '[]', ...metadata } = found.config.metadata ?? {};
        await manager.streams.update(found.config.name, {
          subjects: JSON.parse(subjects) as string[],
          metadata,
        });
      }),
    deleteRetired: (id, tenant_id) =>
      run(id, async (manager) => {
        const found = await own(manager, id, tenant_id);
        if (found === 'absent') return 'absent';
        if (found === 'foreign' || !isRetired(found)) return 'kept';
        await manager.streams.delete(found.config.name);
        return 'deleted';
      }),
  };
}

const streamOf = ({ kind, name }: TenantResourceId) => (kind === 'bucket' ? `KV_${name}` : name);
const isRetired = ({ config }: StreamInfo) => config.metadata?.[RETIRED_SUBJECTS] !== undefined;

async function find(manager: JetStreamManager, id: TenantResourceId): Promise<StreamInfo | null> {
  try {
    return await manager.streams.info(streamOf(id));
  } catch (error) {
    if (jetStreamCode(error) === JETSTREAM.stream_not_found) return null;
    throw error;
  }
}

async function make(
  manager: JetStreamManager,
  resource: TenantResource,
  metadata: Record<string, string>,
): Promise<void> {
  const { name, replicas, max_bytes, max_age_s } = resource;
  if (resource.kind === 'bucket') {
    const { history } = resource;
    await new Kvm(manager.jetstream()).create(name, {
      replicas,
      history,
      max_bytes,
      ttl: max_age_s * 1_000,
      storage: StorageType.File,
      metadata,
    });
    return;
  }
  try {
    await manager.streams.add({
      name,
      subjects: resource.subjects,
      num_replicas: replicas,
      max_bytes,
      max_age: nanos(max_age_s * 1_000),
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      metadata,
    });
  } catch (error) {
    // Somebody was faster; whose it is shows when it is read.
    if (jetStreamCode(error) !== JETSTREAM.stream_name_in_use) throw error;
  }
}
