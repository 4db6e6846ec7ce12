/** What other domains may use of this one. */
export type { ScaleDependencies } from './scale-settings.ts';
export { requireEnvironment } from './migration-facts.ts';
export { findUnplaced, provisionRun } from './provision-tenant-job.ts';
export { planArchive, startArchive } from './archive-service.ts';
export { planRestore, startRestore } from './restore-service.ts';
export { readTenantHealth } from './tenant-health.ts';
export { readKeptResources } from './retired-resource-store.ts';
