/** The navigation, in the order of the product's requirements. An entry is shown to those who may see something behind it. */
import {
  IconActivity,
  IconCertificate,
  IconChecklist,
  IconDeviceDesktop,
  IconHistory,
  IconKey,
  IconLayoutDashboard,
  IconRobot,
  IconMasksTheater,
  IconServer2,
  IconShieldLock,
  IconStack2,
  IconThumbUp,
  IconUrgent,
  IconUsers,
  type Icon,
} from '@tabler/icons-react';
import type { Me } from '#contract/iam.ts';
import type { Permission } from '#contract/permissions.ts';
import { mayAnywhere } from '#ui/api/queries.ts';

export interface NavigationEntry {
  label: string;
  to: string;
  icon: Icon;
  /** Any grant of it, in whatever scope, shows the entry; the server narrows what is listed. */
  permission: Permission | null;
  /** `g` and then this letter goes there. */
  key?: string;
}

export const NAVIGATION: readonly NavigationEntry[] = [
  { label: 'Overview', to: '/', icon: IconLayoutDashboard, permission: null, key: 'o' },
  { label: 'Tenants', to: '/tenants', icon: IconStack2, permission: 'tenants.read', key: 't' },
  { label: 'Users', to: '/users', icon: IconUsers, permission: 'iam.users.read', key: 'u' },
  { label: 'Sessions', to: '/sessions', icon: IconDeviceDesktop, permission: 'iam.sessions.list', key: 'e' },
  { label: 'Detections', to: '/detections', icon: IconUrgent, permission: 'iam.detections.read', key: 'd' },
  {
    label: 'Roles & Permissions',
    to: '/roles',
    icon: IconShieldLock,
    permission: 'iam.roles.read',
    key: 'r',
  },
  {
    label: 'Service Accounts',
    to: '/service-accounts',
    icon: IconRobot,
    permission: 'iam.service_accounts.read',
    key: 'c',
  },
  {
    label: 'Break-glass',
    to: '/break-glass',
    icon: IconMasksTheater,
    permission: 'iam.impersonations.read',
  },
  { label: 'API Tokens', to: '/tokens', icon: IconKey, permission: 'iam.tokens.read', key: 'k' },
  {
    label: 'Token Issuers',
    to: '/token-issuers',
    icon: IconCertificate,
    permission: 'iam.users.read',
    key: 'i',
  },
  { label: 'Scale & Placement', to: '/scale', icon: IconServer2, permission: 'scale.view', key: 's' },
  {
    label: 'Observability',
    to: '/observability',
    icon: IconActivity,
    permission: 'observability.view',
    key: 'b',
  },
  { label: 'Approvals', to: '/approvals', icon: IconThumbUp, permission: null, key: 'p' },
  { label: 'Jobs', to: '/jobs', icon: IconChecklist, permission: 'jobs.view', key: 'j' },
  { label: 'Audit Log', to: '/audit', icon: IconHistory, permission: 'audit.view', key: 'a' },
];

/** The entries for somebody, by any of their grants. */
export const navigationFor = (me: Me): NavigationEntry[] =>
  NAVIGATION.filter(({ permission }) => permission === null || mayAnywhere(me, permission).allowed);
