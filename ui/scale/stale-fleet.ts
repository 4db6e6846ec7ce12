import {
  getHost,
  getNode,
  getService,
  getTopology,
  listHosts,
  listServices,
  listTasks,
} from '#contract/fleet.ts';
import { listEnvironments, listNodes, listPlacements, listShards } from '#contract/scale.ts';
import { getTenant, listTenants } from '#contract/tenants.ts';

/** What an operation on services, hosts or nodes makes stale. */
export const STALE_FLEET = [
  listServices,
  getService,
  listHosts,
  getHost,
  listTasks,
  listNodes,
  getNode,
  listShards,
  listEnvironments,
  getTopology,
];

/** What draining or moving tenants makes stale. */
export const STALE_PLACEMENTS = [
  listPlacements,
  listShards,
  listTenants,
  getTenant,
  listNodes,
  getNode,
  getTopology,
];
