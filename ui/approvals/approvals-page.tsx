import { Button, SegmentedControl } from '@mantine/core';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import {
  APPROVAL_STATES,
  APPROVAL_VIEWS,
  listApprovals,
  type ApprovalListItem,
  type ApprovalView,
} from '#contract/approvals.ts';
import { mayAnywhere, useMe } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useEnvironment } from '#ui/app/environment.tsx';
import { oneValue } from '#ui/app/search-params.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';

const NOUN = { one: 'request', many: 'requests' };
const VIEWS: readonly { value: ApprovalView; label: string }[] = [
  { value: 'waiting_for_me', label: 'Waiting for me' },
  { value: 'mine', label: 'Mine' },
  { value: 'all', label: 'All' },
];
const EMPTY: Record<ApprovalView, { title: string; hint: string }> = {
  waiting_for_me: {
    title: 'Nothing waits for you',
    hint: 'Requests that you may decide on show up here and in the top bar.',
  },
  mine: {
    title: 'You have asked for nothing',
    hint: 'What a policy guards becomes a request when you start it.',
  },
  all: { title: 'Nobody has asked for an approval', hint: 'A policy says which operations need approvals.' },
};
const COLUMNS: readonly Column<ApprovalListItem>[] = [
  { id: 'title', header: 'Request', width: 260, grow: true, cell: ({ title }) => title },
  {
    id: 'state',
    header: 'State',
    width: 112,
    cell: ({ state }) => <StatusPill of="approval" status={state} />,
  },
  {
    id: 'approvals',
    header: 'Approvals',
    width: 168,
    cell: ({ requirements }) =>
      requirements.map(({ have, count, roles }) => `${have} of ${count} (${roles.join(' or ')})`).join(', '),
  },
  {
    id: 'environment',
    header: 'Where',
    width: 96,
    cell: ({ environment }) =>
      environment === null ? 'everywhere' : <EnvironmentBadge environment={environment} quiet />,
  },
  { id: 'operation', header: 'Operation', width: 176, cell: ({ operation }) => <Mono>{operation}</Mono> },
  {
    id: 'requester',
    header: 'By',
    width: 104,
    cell: ({ requester }) => <span title={requester}>{requester.replace(/@.*$/, '')}</span>,
  },
  {
    id: 'created_at',
    header: 'Asked',
    sort: 'created_at',
    width: 104,
    cell: ({ created_at }) => <RelativeTime iso={created_at} />,
  },
  {
    id: 'expires_at',
    header: 'Expires',
    width: 104,
    cell: ({ expires_at }) => <RelativeTime iso={expires_at} />,
  },
];

const approvalId = ({ approval_id }: ApprovalListItem): string => approval_id;
const approvalLink = ({ approval_id }: ApprovalListItem) =>
  ({ to: '/approvals/$approval_id', params: { approval_id } }) as const;
const isView = (text: string | undefined): text is ApprovalView =>
  (APPROVAL_VIEWS as readonly (string | undefined)[]).includes(text);

/** The queue: what waits for one's own decision first. */
export function ApprovalsPage() {
  const me = useMe();
  const { environments } = useEnvironment();
  const navigate = useNavigate();
  const asked = oneValue(useSearch({ strict: false })['view']);
  const view = isView(asked) ? asked : 'waiting_for_me';
  const query = useMemo(() => ({ view }), [view]);
  const filters = useMemo(
    (): readonly ListFilter[] => [
      {
        type: 'one',
        name: 'state',
        label: 'State',
        options: APPROVAL_STATES.map((state) => ({
          value: state,
          label: state,
          render: <StatusPill of="approval" status={state} />,
        })),
      },
      {
        type: 'one',
        name: 'environment',
        label: 'Environment',
        options: environments.map(({ environment }) => ({ value: environment, label: environment })),
      },
    ],
    [environments],
  );
  const seesPolicies = me.data && mayAnywhere(me.data, 'approvals.policies.view').allowed;
  return (
    <ListPage
      title="Approvals"
      noun={NOUN}
      endpoint={listApprovals}
      query={query}
      columns={COLUMNS}
      rowId={approvalId}
      rowLink={approvalLink}
      filters={filters}
      defaultSort="-created_at"
      refetchInterval={5_000}
      primary={
        <>
          <SegmentedControl
            size="xs"
            aria-label="Which requests"
            value={view}
            data={[...VIEWS]}
            onChange={(value) =>
              void navigate({
                to: '.',
                search: (before) => ({
                  ...before,
                  view: value === 'waiting_for_me' ? undefined : value,
                  cursor: undefined,
                }),
                state: { cursors: [] },
              })
            }
          />
          {seesPolicies && (
            <Button
              variant="default"
              size="xs"
              renderRoot={(props) => <Link {...props} to="/approvals/policies" />}
            >
              Policies
            </Button>
          )}
        </>
      }
      empty={EMPTY[view]}
    />
  );
}
