/** Matchers of the dashboards' variables. */
import { matching } from '#stack/queries/promql.ts';

export const chosenServices = { service: matching('$service') };
export const chosenTenants = { tenant_id: matching('$tenant') };
export const chosenVersions = matching('$version');
/** Requests that failed through our fault. */
export const serverErrors = { status: matching('5..') };
/** Replicas of a stream or consumer disagree; the leader's figure counts. */
export const streamLeader = { is_stream_leader: 'true' };
export const consumerLeader = { is_consumer_leader: 'true' };
