/** What other domains may use of this one. */
export type { PlacementStore } from './placement-store.ts';
export type { EnvironmentSettings, ScaleDependencies } from './scale-settings.ts';
export { requireEnvironment } from './migration-facts.ts';
export { provisionRun } from './provision-tenant-job.ts';
export { planArchive, startArchive } from './archive-service.ts';
export { readTenantHealth } from './tenant-health.ts';
export { findShards, type ShardFacts } from './fleet-store.ts';
