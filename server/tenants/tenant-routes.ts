import * as contract from '#contract/tenants.ts';
import { route, type Route } from '#server/http/route.ts';
import type { ScaleDependencies } from '#server/scale/scale-queries.ts';
import * as service from './tenant-service.ts';

export const tenantRoutes = (dependencies: ScaleDependencies): Route[] => [
  route(contract.listTenants, ({ context, query }) => service.listTenants(dependencies, context, query)),
  route(contract.getTenant, ({ context, params }) =>
    service.readTenantDetail(dependencies, context, params.tenant_id),
  ),
  route(contract.createTenant, ({ context, body }) => service.createTenant(dependencies, context, body)),
  route(contract.updateTenant, ({ context, params, body, if_match }) =>
    service.updateTenant(dependencies, context, params.tenant_id, if_match, body),
  ),
  route(contract.addTenantEnvironment, ({ context, params, body }) =>
    service.addTenantEnvironment(dependencies, context, params.tenant_id, body),
  ),
  route(contract.planTenantArchive, ({ context, params }) =>
    service.planTenantArchive(dependencies, context, params.tenant_id),
  ),
  route(contract.archiveTenant, ({ context, params, body }) =>
    service.archiveTenant(dependencies, context, params.tenant_id, body),
  ),
  route(contract.planTenantRestore, ({ context, params }) =>
    service.planTenantRestore(dependencies, context, params.tenant_id),
  ),
  route(contract.restoreTenant, ({ context, params, body }) =>
    service.restoreTenant(dependencies, context, params.tenant_id, body),
  ),
  route(contract.getTenantHealth, ({ context, params, query }) =>
    service.readHealth(dependencies, context, params.tenant_id, query.environment),
  ),
];
