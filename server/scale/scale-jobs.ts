/** The job kinds of this domain, for the executor. */
import type { JobDefinition } from '#server/jobs/job-definition.ts';
import { archiveTenantJob } from './archive-tenant-job.ts';
import { hostAvailabilityJob } from './host-availability-job.ts';
import { migrateTenantJob } from './migrate-tenant-job.ts';
import { nodeDrainJobs } from './node-drain-job.ts';
import { provisionTenantJob } from './provision-tenant-job.ts';
import { rebalanceJob } from './rebalance-job.ts';
import { restartServiceJob } from './restart-service-job.ts';
import { restoreTenantJob } from './restore-tenant-job.ts';
import { scaleServiceJob } from './scale-service-job.ts';
import type { ScaleDependencies } from './scale-settings.ts';
import { tenantDrainJobs } from './tenant-drain-job.ts';

export const scaleJobs = (dependencies: ScaleDependencies): JobDefinition[] => [
  migrateTenantJob(dependencies),
  provisionTenantJob(dependencies),
  archiveTenantJob(dependencies),
  restoreTenantJob(dependencies),
  ...tenantDrainJobs(dependencies),
  ...nodeDrainJobs(dependencies),
  rebalanceJob(dependencies),
  scaleServiceJob(dependencies),
  restartServiceJob(dependencies),
  hostAvailabilityJob(dependencies),
];
