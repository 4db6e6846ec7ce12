/** Every endpoint of the Admin API. A route without an entry here cannot be registered. */
import * as approvals from './approvals.ts';
import * as audit from './audit.ts';
import * as drains from './drains.ts';
import type { Endpoint } from './endpoint.ts';
import * as fleet from './fleet.ts';
import * as iam from './iam.ts';
import * as jobs from './jobs.ts';
import * as observability from './observability.ts';
import * as scale from './scale.ts';
import * as tenants from './tenants.ts';

const isEndpoint = (value: unknown): value is Endpoint =>
  typeof value === 'object' && value !== null && 'step_up' in value && 'permission' in value;

export const ENDPOINTS: readonly Endpoint[] = [
  iam,
  approvals,
  tenants,
  scale,
  drains,
  fleet,
  observability,
  jobs,
  audit,
].flatMap((domain) => Object.values(domain).filter(isEndpoint));
