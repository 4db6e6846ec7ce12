import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  retainSearchParams,
} from '@tanstack/react-router';
import type { QueryClient } from '@tanstack/react-query';
import { listHosts, listServices, listTasks } from '#contract/fleet.ts';
import { listNodes, listPlacements } from '#contract/scale.ts';
import { listTenants } from '#contract/tenants.ts';
import { listLoader } from './list-loader.ts';
import { Root } from './root.tsx';
import { NotFoundPage } from './not-found-page.tsx';
import { PageError } from './page-error.tsx';
import { parseSearch, stringifySearch, type AppSearch } from './search-params.ts';
import { Shell } from './shell.tsx';

const rootRoute = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  validateSearch: (search: Record<string, unknown>): AppSearch => search as AppSearch,
  search: { middlewares: [retainSearchParams<AppSearch>(['env'])] },
  component: Root,
  notFoundComponent: NotFoundPage,
});

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('#ui/iam/sign-in-page.tsx'), 'SignInPage'),
});

const forgotPasswordRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/forgot-password',
  component: lazyRouteComponent(() => import('#ui/iam/forgot-password-page.tsx'), 'ForgotPasswordPage'),
});
const acceptInvitationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/accept-invitation',
  component: lazyRouteComponent(() => import('#ui/iam/choose-password-page.tsx'), 'ChoosePasswordPage'),
});
const resetPasswordRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/reset-password',
  component: lazyRouteComponent(() => import('#ui/iam/choose-password-page.tsx'), 'ChoosePasswordPage'),
});
const providerReturnRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in/return',
  component: lazyRouteComponent(() => import('#ui/iam/provider-return-page.tsx'), 'ProviderReturnPage'),
});

const shellRoute = createRoute({ getParentRoute: () => rootRoute, id: 'shell', component: Shell });

const overviewRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  component: lazyRouteComponent(() => import('#ui/overview/overview-page.tsx'), 'OverviewPage'),
});

const tenantsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/tenants',
  loader: listLoader(listTenants, 'tenant_id'),
  component: lazyRouteComponent(() => import('#ui/tenants/tenants-page.tsx'), 'TenantsPage'),
});
const tenantRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/tenants/$tenant_id',
  component: lazyRouteComponent(() => import('#ui/tenants/tenant-page.tsx'), 'TenantPage'),
});
const tenantOverviewRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: '/',
  component: lazyRouteComponent(() => import('#ui/tenants/tenant-overview-tab.tsx'), 'TenantOverviewTab'),
});
const tenantPlacementRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: '/placement',
  component: lazyRouteComponent(() => import('#ui/tenants/tenant-placement-tab.tsx'), 'TenantPlacementTab'),
});
const tenantHealthRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: '/health',
  component: lazyRouteComponent(() => import('#ui/tenants/tenant-health-tab.tsx'), 'TenantHealthTab'),
});
const tenantSessionsRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: '/sessions',
  component: lazyRouteComponent(() => import('#ui/tenants/tenant-sessions-tab.tsx'), 'TenantSessionsTab'),
});
const tenantActivityRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: '/activity',
  component: lazyRouteComponent(() => import('#ui/tenants/tenant-activity-tab.tsx'), 'TenantActivityTab'),
});

const tenantObservabilityRoute = createRoute({
  getParentRoute: () => tenantRoute,
  path: '/observability',
  component: lazyRouteComponent(
    () => import('#ui/tenants/tenant-observability-tab.tsx'),
    'TenantObservabilityTab',
  ),
});

const scaleRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/scale',
  component: lazyRouteComponent(() => import('#ui/scale/scale-page.tsx'), 'ScalePage'),
});
const scaleIndexRoute = createRoute({
  getParentRoute: () => scaleRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/scale/shards', search: true, replace: true });
  },
});
const shardsRoute = createRoute({
  getParentRoute: () => scaleRoute,
  path: '/shards',
  component: lazyRouteComponent(() => import('#ui/scale/shards-tab.tsx'), 'ShardsTab'),
});
const placementsRoute = createRoute({
  getParentRoute: () => scaleRoute,
  path: '/placements',
  loader: listLoader(listPlacements, 'tenant_id'),
  component: lazyRouteComponent(() => import('#ui/scale/placements-tab.tsx'), 'PlacementsTab'),
});
const nodesRoute = createRoute({
  getParentRoute: () => scaleRoute,
  path: '/nodes',
  loader: listLoader(listNodes, 'node_id'),
  component: lazyRouteComponent(() => import('#ui/scale/nodes-tab.tsx'), 'NodesTab'),
});
const servicesRoute = createRoute({
  getParentRoute: () => scaleRoute,
  path: '/services',
  loader: listLoader(listServices, 'name'),
  component: lazyRouteComponent(() => import('#ui/scale/services-tab.tsx'), 'ServicesTab'),
});
const hostsRoute = createRoute({
  getParentRoute: () => scaleRoute,
  path: '/hosts',
  loader: listLoader(listHosts, 'hostname'),
  component: lazyRouteComponent(() => import('#ui/scale/hosts-tab.tsx'), 'HostsTab'),
});
const tasksRoute = createRoute({
  getParentRoute: () => scaleRoute,
  path: '/tasks',
  loader: listLoader(listTasks, 'service_name'),
  component: lazyRouteComponent(() => import('#ui/scale/tasks-tab.tsx'), 'TasksTab'),
});
const topologyRoute = createRoute({
  getParentRoute: () => scaleRoute,
  path: '/topology',
  component: lazyRouteComponent(() => import('#ui/scale/topology/topology-tab.tsx'), 'TopologyTab'),
});
const nodeRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/scale/nodes/$node_id',
  component: lazyRouteComponent(() => import('#ui/scale/node-page.tsx'), 'NodePage'),
});
const nodeShardsRoute = createRoute({
  getParentRoute: () => nodeRoute,
  path: '/',
  component: lazyRouteComponent(() => import('#ui/scale/node-shards-tab.tsx'), 'NodeShardsTab'),
});
const nodeObservabilityRoute = createRoute({
  getParentRoute: () => nodeRoute,
  path: '/observability',
  component: lazyRouteComponent(() => import('#ui/scale/node-observability-tab.tsx'), 'NodeObservabilityTab'),
});
const serviceRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/scale/services/$service_id',
  component: lazyRouteComponent(() => import('#ui/scale/service-page.tsx'), 'ServicePage'),
});
const serviceTasksRoute = createRoute({
  getParentRoute: () => serviceRoute,
  path: '/',
  component: lazyRouteComponent(() => import('#ui/scale/service-tasks-tab.tsx'), 'ServiceTasksTab'),
});
const serviceSpecificationsRoute = createRoute({
  getParentRoute: () => serviceRoute,
  path: '/specifications',
  component: lazyRouteComponent(
    () => import('#ui/scale/service-specifications-tab.tsx'),
    'ServiceSpecificationsTab',
  ),
});
const serviceObservabilityRoute = createRoute({
  getParentRoute: () => serviceRoute,
  path: '/observability',
  component: lazyRouteComponent(
    () => import('#ui/scale/service-observability-tab.tsx'),
    'ServiceObservabilityTab',
  ),
});
const hostRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/scale/hosts/$host_id',
  component: lazyRouteComponent(() => import('#ui/scale/host-page.tsx'), 'HostPage'),
});
const hostTasksRoute = createRoute({
  getParentRoute: () => hostRoute,
  path: '/',
  component: lazyRouteComponent(() => import('#ui/scale/host-tasks-tab.tsx'), 'HostTasksTab'),
});
const hostNodesRoute = createRoute({
  getParentRoute: () => hostRoute,
  path: '/nodes',
  component: lazyRouteComponent(() => import('#ui/scale/host-nodes-tab.tsx'), 'HostNodesTab'),
});

const observabilityRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/observability',
  component: lazyRouteComponent(
    () => import('#ui/observability/observability-page.tsx'),
    'ObservabilityPage',
  ),
});
const observabilityIndexRoute = createRoute({
  getParentRoute: () => observabilityRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/observability/alerts', search: true, replace: true });
  },
});
const alertsRoute = createRoute({
  getParentRoute: () => observabilityRoute,
  path: '/alerts',
  component: lazyRouteComponent(() => import('#ui/observability/alerts-tab.tsx'), 'AlertsTab'),
});
const triageRoute = createRoute({
  getParentRoute: () => observabilityRoute,
  path: '/triage',
  component: lazyRouteComponent(() => import('#ui/observability/triage-tab.tsx'), 'TriageTab'),
});
const targetsRoute = createRoute({
  getParentRoute: () => observabilityRoute,
  path: '/targets',
  component: lazyRouteComponent(() => import('#ui/observability/targets-tab.tsx'), 'TargetsTab'),
});
const dashboardsRoute = createRoute({
  getParentRoute: () => observabilityRoute,
  path: '/dashboards',
  component: lazyRouteComponent(() => import('#ui/observability/dashboards-tab.tsx'), 'DashboardsTab'),
});
const connectionsRoute = createRoute({
  getParentRoute: () => observabilityRoute,
  path: '/connections',
  component: lazyRouteComponent(() => import('#ui/observability/connections-tab.tsx'), 'ConnectionsTab'),
});

const approvalsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/approvals',
  component: lazyRouteComponent(() => import('#ui/approvals/approvals-page.tsx'), 'ApprovalsPage'),
});
const approvalPoliciesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/approvals/policies',
  component: lazyRouteComponent(() => import('#ui/approvals/policies-page.tsx'), 'PoliciesPage'),
});
const approvalRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/approvals/$approval_id',
  component: lazyRouteComponent(() => import('#ui/approvals/approval-page.tsx'), 'ApprovalPage'),
});

const jobsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/jobs',
  component: lazyRouteComponent(() => import('#ui/jobs/jobs-page.tsx'), 'JobsPage'),
});
const jobRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/jobs/$job_id',
  component: lazyRouteComponent(() => import('#ui/jobs/job-page.tsx'), 'JobPage'),
});

const usersRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/users',
  component: lazyRouteComponent(() => import('#ui/iam/users-page.tsx'), 'UsersPage'),
});
const userRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/users/$user_id',
  component: lazyRouteComponent(() => import('#ui/iam/user-page.tsx'), 'UserPage'),
});
const myAccountRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/account',
  component: lazyRouteComponent(() => import('#ui/iam/my-account-page.tsx'), 'MyAccountPage'),
});
const breakGlassRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/break-glass',
  component: lazyRouteComponent(() => import('#ui/iam/impersonations-page.tsx'), 'ImpersonationsPage'),
});
const sessionsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/sessions',
  component: lazyRouteComponent(() => import('#ui/iam/sessions-page.tsx'), 'SessionsPage'),
});
const detectionsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/detections',
  component: lazyRouteComponent(() => import('#ui/iam/detections-page.tsx'), 'DetectionsPage'),
});
const deviceRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/device',
  component: lazyRouteComponent(() => import('#ui/iam/device-page.tsx'), 'DevicePage'),
});
const rolesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/roles',
  component: lazyRouteComponent(() => import('#ui/iam/roles-page.tsx'), 'RolesPage'),
});
const roleRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/roles/$role_id',
  component: lazyRouteComponent(() => import('#ui/iam/role-page.tsx'), 'RolePage'),
});
const serviceAccountsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/service-accounts',
  component: lazyRouteComponent(() => import('#ui/iam/service-accounts-page.tsx'), 'ServiceAccountsPage'),
});
const serviceAccountRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/service-accounts/$user_id',
  component: lazyRouteComponent(() => import('#ui/iam/service-account-page.tsx'), 'ServiceAccountPage'),
});
const tokensRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/tokens',
  component: lazyRouteComponent(() => import('#ui/iam/tokens-page.tsx'), 'TokensPage'),
});
const tokenIssuersRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/token-issuers',
  component: lazyRouteComponent(() => import('#ui/iam/token-issuers-page.tsx'), 'TokenIssuersPage'),
});
const auditRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/audit',
  component: lazyRouteComponent(() => import('#ui/audit/audit-page.tsx'), 'AuditPage'),
});

const routeTree = rootRoute.addChildren([
  signInRoute,
  forgotPasswordRoute,
  acceptInvitationRoute,
  resetPasswordRoute,
  providerReturnRoute,
  shellRoute.addChildren([
    overviewRoute,
    tenantsRoute,
    tenantRoute.addChildren([
      tenantOverviewRoute,
      tenantPlacementRoute,
      tenantHealthRoute,
      tenantSessionsRoute,
      tenantActivityRoute,
      tenantObservabilityRoute,
    ]),
    scaleRoute.addChildren([
      scaleIndexRoute,
      shardsRoute,
      placementsRoute,
      nodesRoute,
      servicesRoute,
      hostsRoute,
      tasksRoute,
      topologyRoute,
    ]),
    nodeRoute.addChildren([nodeShardsRoute, nodeObservabilityRoute]),
    serviceRoute.addChildren([serviceTasksRoute, serviceSpecificationsRoute, serviceObservabilityRoute]),
    hostRoute.addChildren([hostTasksRoute, hostNodesRoute]),
    observabilityRoute.addChildren([
      observabilityIndexRoute,
      alertsRoute,
      triageRoute,
      targetsRoute,
      dashboardsRoute,
      connectionsRoute,
    ]),
    approvalsRoute,
    approvalPoliciesRoute,
    approvalRoute,
    jobsRoute,
    jobRoute,
    usersRoute,
    userRoute,
    myAccountRoute,
    sessionsRoute,
    breakGlassRoute,
    detectionsRoute,
    deviceRoute,
    rolesRoute,
    roleRoute,
    serviceAccountsRoute,
    serviceAccountRoute,
    tokensRoute,
    tokenIssuersRoute,
    auditRoute,
  ]),
]);

export const createAppRouter = (queryClient: QueryClient) =>
  createRouter({
    routeTree,
    context: { queryClient },
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultPreloadDelay: 40,
    defaultPendingMs: 200,
    defaultErrorComponent: PageError,
    scrollRestoration: true,
  });

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
  interface HistoryState {
    /** Cursors of the pages before this one, so that "previous" works with keyset paging. */
    cursors?: (string | null)[];
  }
}
