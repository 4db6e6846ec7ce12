/** What lists of sessions can be narrowed by; the address of the page holds what is chosen. */
import {
  DEVICE_BROWSERS,
  DEVICE_SYSTEMS,
  SESSION_CLIENTS,
  SESSION_SOURCES,
  SESSION_STATES,
} from '#contract/iam/sessions.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { WHOLE_ADDRESS, WHOLE_SLUG } from '#ui/patterns/list-search-rules.ts';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useMemo } from 'react';
import { CLIENT_NAMES, SOURCE_NAMES } from './session-words.ts';

const STATE: ListFilter = {
  type: 'one',
  name: 'state',
  label: 'State',
  options: SESSION_STATES.map((state) => ({
    value: state,
    label: state,
    render: <StatusPill of="session" status={state} />,
  })),
};
const SOURCE: ListFilter = {
  type: 'one',
  name: 'source',
  label: 'Source',
  options: SESSION_SOURCES.map((source) => ({ value: source, label: SOURCE_NAMES[source] })),
};
const CLIENT: ListFilter = {
  type: 'one',
  name: 'client',
  label: 'Client',
  options: SESSION_CLIENTS.map((client) => ({ value: client, label: CLIENT_NAMES[client] })),
};
const TENANT: ListFilter = {
  type: 'text',
  name: 'tenant_id',
  label: 'Tenant',
  placeholder: 'tenant id',
  whole: WHOLE_SLUG,
};

const sameWords = (words: readonly string[]) => words.map((word) => ({ value: word, label: word }));
const FROM_WHERE: readonly ListFilter[] = [
  { type: 'text', name: 'ip', label: 'Address', placeholder: '203.0.113.0/24', whole: WHOLE_ADDRESS },
  { type: 'one', name: 'device_system', label: 'System', options: sameWords(DEVICE_SYSTEMS) },
  { type: 'one', name: 'device_browser', label: 'Browser', options: sameWords(DEVICE_BROWSERS) },
];
const WHEN: readonly ListFilter[] = [
  { type: 'time', name: 'created_from', label: 'Signed in from' },
  { type: 'time', name: 'created_to', label: 'to' },
  { type: 'time', name: 'last_seen_from', label: 'Seen since' },
];

/** Of the sessions of one user. */
export const USER_SESSION_FILTERS: readonly ListFilter[] = [STATE, CLIENT, ...FROM_WHERE];

function useEnvironmentFilter(): ListFilter {
  const { environments } = useEnvironment();
  return useMemo(
    () => ({
      type: 'one',
      name: 'environment',
      label: 'Environment',
      options: sameWords(environments.map(({ environment }) => environment)),
    }),
    [environments],
  );
}

/** Of all sessions. */
export function useSessionFilters(): readonly ListFilter[] {
  const environment = useEnvironmentFilter();
  return useMemo(() => [STATE, SOURCE, CLIENT, TENANT, environment, ...FROM_WHERE, ...WHEN], [environment]);
}

/** Of the sessions of one tenant. */
export function useTenantSessionFilters(): readonly ListFilter[] {
  const environment = useEnvironmentFilter();
  return useMemo(() => [STATE, environment, ...FROM_WHERE], [environment]);
}
