/**
 * What services ran before. A revision is a specification that differs from the one before it in more than replicas and restarts; the last
 * ten different ones of a service are kept, so going back and forth between two does not push the others out.
 */
import type { IndexQuery } from './leader-connection.ts';
import type { OrchestratorService } from './orchestrator.ts';

/** Specifications of a service that are kept. */
export const HISTORY_DEPTH = 10;

export interface ServiceRevisionRow {
  revision: number;
  spec_digest: string;
  image: string;
  digest: string | null;
  replicas: number | null;
  job_id: string | null;
  recorded_at: string;
}

type Recorded = Pick<
  OrchestratorService,
  'service_id' | 'spec_digest' | 'spec' | 'image' | 'digest' | 'replicas_desired'
>;

/** A specification that runs again is the newest revision, and no older one any more. */
const RECORD = `with given as (
    select service_id, spec_digest, spec, image, digest, replicas_desired from jsonb_to_recordset($2::jsonb)
      as given(service_id text, spec_digest text, spec text, image text, digest text, replicas_desired integer)
  ), newest as (
    select distinct on (service_id) service_id, revision, spec_digest from service_revisions
      where environment = $1 and service_id in (select service_id from given) order by service_id, revision desc
  ), recorded as (
    insert into service_revisions (environment, service_id, revision, spec_digest, spec, image, digest, replicas, job_id)
      select $1, service_id, coalesce(newest.revision, 0) + 1, given.spec_digest, spec, image, digest, replicas_desired, $3
        from given left join newest using (service_id) where newest.spec_digest is distinct from given.spec_digest
      on conflict do nothing returning service_id, revision, spec_digest
  ), numbered as (
    select old.service_id, old.revision, old.spec_digest = recorded.spec_digest as is_again,
        row_number() over (partition by old.service_id order by (old.spec_digest = recorded.spec_digest), old.revision desc) as place
      from service_revisions old join recorded using (service_id) where old.environment = $1
  )
  delete from service_revisions old using numbered
    where old.environment = $1 and old.service_id = numbered.service_id and old.revision = numbered.revision
      and (numbered.is_again or numbered.place >= ${HISTORY_DEPTH})`;

/**
 * Records what these services run now. What is recorded already stays as it is, except that it learns the job which made it. The watch
 * and a job may record the same change; whoever comes second changes nothing.
 */
export async function recordRevisions(
  query: IndexQuery,
  environment: string,
  services: readonly Recorded[],
  job_id: string | null = null,
): Promise<void> {
  if (services.length === 0) return;
  const given = services.map(({ service_id, spec_digest, spec, image, digest, replicas_desired }) => ({
    service_id,
    spec_digest,
    spec,
    image,
    digest,
    replicas_desired,
  }));
  await query(RECORD, [environment, JSON.stringify(given), job_id]);
  if (job_id === null) return;
  await query(
    `update service_revisions known set job_id = $3 from jsonb_to_recordset($2::jsonb) as given(service_id text, spec_digest text)
      where known.environment = $1 and known.service_id = given.service_id and known.spec_digest = given.spec_digest and known.job_id is null
        and known.revision = (select max(revision) from service_revisions where environment = $1 and service_id = given.service_id)`,
    [environment, JSON.stringify(given), job_id],
  );
}

/** The revisions of a service, newest first; without the specifications, which no answer carries. */
export async function listRevisions(
  query: IndexQuery,
  environment: string,
  service_id: string,
): Promise<ServiceRevisionRow[]> {
  return query<ServiceRevisionRow>(
    `select revision, spec_digest, image, digest, replicas, job_id, recorded_at from service_revisions
      where environment = $1 and service_id = $2 order by revision desc`,
    [environment, service_id],
  );
}

/** A revision with its sealed specification, for the change `{spec}`; null when it is not kept (any more). */
export async function readRevision(
  query: IndexQuery,
  environment: string,
  service_id: string,
  revision: number,
): Promise<(ServiceRevisionRow & { spec: string }) | null> {
  const [row] = await query<ServiceRevisionRow & { spec: string }>(
    `select revision, spec_digest, image, digest, replicas, job_id, recorded_at, spec from service_revisions
      where environment = $1 and service_id = $2 and revision = $3`,
    [environment, service_id, revision],
  );
  return row ?? null;
}
