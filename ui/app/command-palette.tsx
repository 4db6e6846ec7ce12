/** The palette: finds pages, tenants, nodes, users and jobs, and offers the actions that the person may do. */
import { Modal, useMantineColorScheme, VisuallyHidden } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { createSpotlight, Spotlight } from '@mantine/spotlight';
import {
  IconArrowsExchange,
  IconBox,
  IconChecklist,
  IconMoon,
  IconPlus,
  IconSearch,
  IconServer,
  IconServer2,
  IconStack2,
  IconSun,
  IconUser,
  IconWorld,
  type Icon,
} from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { listHosts, listServices } from '#contract/fleet.ts';
import { listUsers, type Me } from '#contract/iam.ts';
import { listJobs } from '#contract/jobs.ts';
import type { Permission } from '#contract/permissions.ts';
import { listNodes } from '#contract/scale.ts';
import { listTenants } from '#contract/tenants.ts';
import { may, mayAnywhere, useEndpoint, useMe } from '#ui/api/queries.ts';
import { focusedElement, giveFocusBack } from '#ui/patterns/return-focus.ts';
import { SCALE_TABS } from '#ui/scale/scale-tabs.ts';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useTenantActions } from '#ui/tenants/tenant-actions.tsx';
import classes from './command-palette.module.css';
import { useEnvironment } from './environment.tsx';
import { navigationFor, type NavigationEntry } from './navigation.ts';

const [store, { open }] = createSpotlight();
/** What had the focus when the palette was opened. */
let origin: HTMLElement | null = null;

export function openPalette(): void {
  origin = focusedElement();
  open();
}
const returnFocus = () => giveFocusBack(origin);

const DEBOUNCE_MS = 180;
const FOUND = 6;
const MIGRATABLE = 2;
const JOB_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Entry {
  id: string;
  label: string;
  hint?: string | undefined;
  icon: Icon;
  aside?: React.ReactNode;
  run: () => void;
}
interface Group {
  title: string;
  entries: Entry[];
}

const matches = (text: string, ...words: (string | undefined)[]): boolean =>
  words.some((word) => word?.toLowerCase().includes(text));

/** Enter takes the first entry; Spotlight marks the selected one in the document and would keep the mark on a row whose text has changed. */
function selectFirst(): void {
  const { listId } = store.getState();
  const list = document.getElementById(listId);
  list?.querySelector('[data-selected]')?.removeAttribute('data-selected');
  list?.querySelector('[data-action]')?.setAttribute('data-selected', 'true');
  store.updateState((state) => ({ ...state, selected: 0 }));
}

export function CommandPalette() {
  const [query, setQuery] = useState('');
  const groups = useGroups(query.trim());
  const { actions, found, searching } = groups;
  const shown = [...found, ...actions].filter(({ entries }) => entries.length > 0);
  const first = shown[0]?.entries[0]?.id;
  useEffect(() => selectFirst(), [first, query]);
  return (
    <>
      <Spotlight.Root
        store={store}
        query={query}
        onQueryChange={setQuery}
        shortcut={null}
        onExitTransitionEnd={returnFocus}
        scrollable
        maxHeight={440}
        size={620}
        overlayProps={{ backgroundOpacity: 0.45, blur: 0 }}
        transitionProps={{ duration: 90, transition: 'fade-down' }}
      >
        <VisuallyHidden>
          <Modal.Title>Search or jump to</Modal.Title>
        </VisuallyHidden>
        <Spotlight.Search
          placeholder="Tenant, node, user, job, page or action"
          aria-label="Search or jump to"
          leftSection={<IconSearch size={17} />}
        />
        <Spotlight.ActionsList>
          {shown.map(({ title, entries }) => (
            <Spotlight.ActionsGroup key={title} label={title} className={classes.group}>
              {entries.map(({ id, label, hint, icon: EntryIcon, aside, run }) => (
                <Spotlight.Action key={id} onClick={run} className={classes.action}>
                  <EntryIcon size={16} stroke={1.75} aria-hidden />
                  <span className={classes.label}>{label}</span>
                  {hint && <span className={classes.hint}>{hint}</span>}
                  {aside && <span className={classes.aside}>{aside}</span>}
                </Spotlight.Action>
              ))}
            </Spotlight.ActionsGroup>
          ))}
          {shown.length === 0 && (
            <Spotlight.Empty>
              {searching ? 'Searching…' : `Nothing is called “${query.trim()}”`}
            </Spotlight.Empty>
          )}
        </Spotlight.ActionsList>
      </Spotlight.Root>
      {groups.dialog}
    </>
  );
}

function useGroups(query: string) {
  const { data: me } = useMe();
  const navigate = useNavigate();
  const { environment, environments, choose } = useEnvironment();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { migrate, migrateReason, dialog } = useTenantActions();
  const { found, searching, tenants } = useFound(query, me, environment);
  const text = query.toLowerCase();

  const pages = me ? navigationFor(me) : [];
  const dark = colorScheme === 'dark';
  const commands: Entry[] = [
    ...tenants
      .filter((tenant) => migrateReason(tenant, environment) === null)
      .slice(0, MIGRATABLE)
      .map(({ tenant_id }) => ({
        id: `migrate ${tenant_id}`,
        label: `Migrate ${tenant_id}…`,
        hint: environment,
        icon: IconArrowsExchange,
        run: () => migrate(tenant_id, environment),
      })),
    ...(may(me, 'tenants.create').allowed && matches(text, 'create tenant', 'new tenant')
      ? [
          {
            id: 'create tenant',
            label: 'Create tenant…',
            icon: IconPlus,
            run: () => void navigate({ to: '/tenants', search: { new: 'tenant' } }),
          },
        ]
      : []),
    ...environments
      .filter(
        (one) => one.environment !== environment && matches(text, `environment ${one.environment}`, 'switch'),
      )
      .map((one) => ({
        id: `environment ${one.environment}`,
        label: `Switch to ${one.environment}`,
        hint: 'environment',
        icon: IconWorld,
        run: () => choose(one.environment),
      })),
    ...(matches(text, 'theme', 'dark', 'light')
      ? [
          {
            id: 'theme',
            label: dark ? 'Light theme' : 'Dark theme',
            icon: dark ? IconSun : IconMoon,
            run: () => setColorScheme(dark ? 'light' : 'dark'),
          },
        ]
      : []),
  ];
  const actions: Group[] = [
    {
      title: 'Pages',
      entries: [...pages, ...(text === '' ? [] : subpagesOf(pages))]
        .filter(({ label }) => matches(text, label))
        .map(({ label, to, icon, key }) => ({
          id: to,
          label,
          icon,
          aside: key && <kbd className={classes.keys}>g {key}</kbd>,
          run: () => void navigate({ to }),
        })),
    },
    { title: 'Actions', entries: commands },
  ];
  return { found, actions, searching, dialog };
}

/** The parts of pages that have some, offered once something is typed. */
const subpagesOf = (pages: readonly NavigationEntry[]): NavigationEntry[] =>
  pages
    .filter(({ to }) => to === '/scale')
    .flatMap(({ icon, permission }) =>
      SCALE_TABS.flat().map(({ label, to }) => ({ label, to, icon, permission })),
    );

/** What the server finds, each kind only for those who may see it. */
function useFound(query: string, me: Me | undefined, environment: string) {
  const navigate = useNavigate();
  const [q] = useDebouncedValue(query, DEBOUNCE_MS);
  const sees = (permission: Permission) => ({
    enabled: q !== '' && mayAnywhere(me, permission).allowed,
    staleTime: 10_000,
  });
  const tenants = useEndpoint(listTenants, { query: { q, limit: FOUND, environment } }, sees('tenants.read'));
  const nodes = useEndpoint(listNodes, { query: { q, limit: FOUND } }, sees('scale.view'));
  const services = useEndpoint(listServices, { query: { q, limit: FOUND } }, sees('scale.view'));
  const hosts = useEndpoint(listHosts, { query: { q, limit: FOUND } }, sees('scale.view'));
  const users = useEndpoint(
    listUsers,
    { query: { q, limit: FOUND } },
    {
      ...sees('iam.users.read'),
      enabled: q !== '' && may(me, 'iam.users.read').allowed,
    },
  );
  const jobs = useEndpoint(listJobs, { query: { q, limit: FOUND, type: 'planned' } }, sees('jobs.view'));
  const all = [tenants, nodes, services, hosts, users, jobs];
  if (query === '') return { found: [] as Group[], tenants: [], searching: false };

  const found: Group[] = [
    {
      title: 'Tenants',
      entries: (tenants.data?.items ?? []).map(({ tenant_id, name, status }) => ({
        id: tenant_id,
        label: tenant_id,
        hint: name === tenant_id ? undefined : name,
        icon: IconStack2,
        aside: <StatusPill of="tenant" status={status} />,
        run: () => void navigate({ to: '/tenants/$tenant_id', params: { tenant_id } }),
      })),
    },
    {
      title: 'Nodes',
      entries: (nodes.data?.items ?? []).map(({ node_id, environment: where, state }) => ({
        id: `${where} ${node_id}`,
        label: node_id,
        hint: where,
        icon: IconServer,
        aside: <StatusPill of="node" status={state} />,
        run: () =>
          void navigate({ to: '/scale/nodes/$node_id', params: { node_id }, search: { env: where } }),
      })),
    },
    {
      title: 'Services',
      entries: (services.data?.items ?? []).map(({ service_id, name, environment: where, state }) => ({
        id: `${where} ${service_id}`,
        label: name,
        hint: where,
        icon: IconBox,
        aside: <StatusPill of="service" status={state} />,
        run: () =>
          void navigate({
            to: '/scale/services/$service_id',
            params: { service_id },
            search: { env: where },
          }),
      })),
    },
    {
      title: 'Hosts',
      entries: (hosts.data?.items ?? []).map(({ host_id, hostname, environment: where, state }) => ({
        id: `${where} ${host_id}`,
        label: hostname,
        hint: where,
        icon: IconServer2,
        aside: <StatusPill of="host" status={state} />,
        run: () =>
          void navigate({ to: '/scale/hosts/$host_id', params: { host_id }, search: { env: where } }),
      })),
    },
    {
      title: 'Users',
      entries: (users.data?.items ?? []).map(({ user_id, email, display_name, status }) => ({
        id: user_id,
        label: email,
        hint: display_name,
        icon: IconUser,
        aside: <StatusPill of="user" status={status} />,
        run: () => void navigate({ to: '/users/$user_id', params: { user_id } }),
      })),
    },
    {
      title: 'Jobs',
      entries: [
        ...(JOB_ID.test(query)
          ? [
              {
                id: query,
                label: `Job ${query}`,
                icon: IconChecklist,
                run: () => void navigate({ to: '/jobs/$job_id', params: { job_id: query } }),
              },
            ]
          : []),
        ...(jobs.data?.items ?? []).map(({ job_id, title, state }) => ({
          id: job_id,
          label: title,
          icon: IconChecklist,
          aside: <StatusPill of="job" status={state} />,
          run: () => void navigate({ to: '/jobs/$job_id', params: { job_id } }),
        })),
      ],
    },
  ];
  return {
    found,
    tenants: tenants.data?.items ?? [],
    searching: q !== query || all.some(({ isFetching }) => isFetching),
  };
}
