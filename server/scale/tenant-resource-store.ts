/**
 * Port: the streams and buckets that each tenant of an environment has of its own (NATS JetStream).
 *
 * A resource carries the id of its tenant and of the job that made it; one that does not carry the tenant's id is never touched. Retired:
 * it keeps what it holds, can be read and takes nothing new, until it is revived or deleted. Every method may be repeated and rejects
 * with TenantResourceError.
 */

export type TenantResource =
  | {
      kind: 'stream';
      name: string;
      subjects: string[];
      /** Copies in the cluster. */
      replicas: number;
      /** -1: no limit but the account's. A full stream refuses messages; it drops none. */
      max_bytes: number;
      /** 0: kept for ever. */
      max_age_s: number;
    }
  | {
      kind: 'bucket';
      name: string;
      replicas: number;
      max_bytes: number;
      max_age_s: number;
      /** Values kept of each key. */
      history: number;
    };

export type TenantResourceId = Pick<TenantResource, 'kind' | 'name'>;

/** As it stands now; `foreign`: there is one of that name which is not the tenant's. */
export type ResourceState = 'in_use' | 'retired' | 'absent' | 'foreign';

export type TenantResourceStore = {
  state(id: TenantResourceId, tenant_id: string): Promise<ResourceState>;
  /** Makes the resource, unless it is the tenant's already. Rejects with `taken` when it is somebody else's. */
  create(resource: TenantResource, owner: { tenant_id: string; job_id: string }): Promise<void>;
  /** Deletes the resource when this job has made it. */
  removeCreated(id: TenantResourceId, owner: { tenant_id: string; job_id: string }): Promise<void>;
  /** Makes a resource of the tenant read-only; one that is not there, or is not the tenant's, stays as it is. */
  retire(id: TenantResourceId, tenant_id: string): Promise<void>;
  /** Lets a retired resource of the tenant take writes again. */
  revive(id: TenantResourceId, tenant_id: string): Promise<void>;
  /** Deletes a retired resource of the tenant; `kept` when it is not retired (any more) or not the tenant's. */
  deleteRetired(id: TenantResourceId, tenant_id: string): Promise<'deleted' | 'absent' | 'kept'>;
};

/** `taken`: the name or the subjects belong to something else. */
export type TenantResourceErrorCode = 'unavailable' | 'taken' | 'full' | 'refused';

export class TenantResourceError extends Error {
  readonly code: TenantResourceErrorCode;
  constructor(code: TenantResourceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TenantResourceError';
    this.code = code;
  }
}
