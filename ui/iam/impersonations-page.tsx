/** Break-glass: who acted as whom, why, what they did, and whether somebody looked at it. */
import { SegmentedControl } from '@mantine/core';
import { IconChecklist, IconHistory } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import {
  IMPERSONATION_ENDINGS,
  IMPERSONATION_STATES,
  listImpersonations,
  reviewImpersonation,
  type Impersonation,
} from '#contract/iam.ts';
import { may, useChange, useMe } from '#ui/api/queries.ts';
import { firstReason, type Action } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import type { Column } from '#ui/patterns/data-table.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';

const COLUMNS: readonly Column<Impersonation>[] = [
  { id: 'actor', header: 'Who acted', cell: ({ actor_email }) => <b>{actor_email}</b> },
  { id: 'user', header: 'As', cell: ({ user_email }) => user_email },
  { id: 'state', header: 'State', cell: ({ state }) => <StatusPill of="impersonation" status={state} /> },
  { id: 'reason', header: 'Why', grow: true, width: 200, cell: ({ reason }) => reason },
  {
    id: 'started_at',
    header: 'Began',
    sort: 'started_at',
    cell: ({ started_at }) => <RelativeTime iso={started_at} />,
  },
  {
    id: 'ended_at',
    header: 'Ended',
    cell: ({ ended_at, ending }) => (
      <span title={ending === null ? undefined : IMPERSONATION_ENDINGS[ending]}>
        <RelativeTime iso={ended_at} missing="It still goes on" />
      </span>
    ),
  },
  {
    id: 'review_due_at',
    header: 'Review',
    sort: 'review_due_at',
    cell: ({ reviewed_at, reviewed_by, verdict, comment, review_due_at }) =>
      reviewed_at === null ? (
        <span>
          due <RelativeTime iso={review_due_at} />
        </span>
      ) : (
        <span title={comment ?? undefined}>
          {verdict === 'in_order' ? 'in order' : 'not in order'}, {reviewed_by}
        </span>
      ),
  },
];

const FILTERS: readonly ListFilter[] = [
  {
    type: 'one',
    name: 'state',
    label: 'State',
    options: IMPERSONATION_STATES.map((state) => ({
      value: state,
      label: state,
      render: <StatusPill of="impersonation" status={state} />,
    })),
  },
];

export function ImpersonationsPage() {
  const signedIn = useMe().data;
  const navigate = useNavigate();
  const [asked, setAsked] = useState<Impersonation | null>(null);
  const actionsFor = (one: Impersonation): Action[] => [
    {
      label: 'Everything that was done',
      icon: IconHistory,
      disabled: firstReason(may(signedIn, 'audit.view')),
      onSelect: () =>
        void navigate({ to: '/audit', search: { impersonation_id: one.impersonation_id } as never }),
    },
    {
      label: 'Review…',
      icon: IconChecklist,
      disabled: firstReason(
        may(signedIn, 'iam.impersonations.review'),
        one.state === 'active' && 'It still goes on',
        one.state === 'reviewed' && 'It was reviewed already',
        one.actor_user_id === signedIn?.user.user_id && 'You did this yourself; somebody else reviews it',
      ),
      onSelect: () => setAsked(one),
    },
  ];
  return (
    <>
      <ListPage
        title="Break-glass"
        noun={{ one: 'impersonation', many: 'impersonations' }}
        endpoint={listImpersonations}
        columns={COLUMNS}
        rowId={({ impersonation_id }) => impersonation_id}
        rowActions={actionsFor}
        filters={FILTERS}
        search="Search by either email"
        defaultSort="-started_at"
        empty={{
          title: 'Nobody acted as another user',
          hint: 'In an emergency somebody may act as another user for a while: “Act as this user…” on that user’s page. What they do is listed here, and another person reviews it.',
        }}
      />
      {asked && <ReviewDialog impersonation={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

const VERDICTS = [
  { value: 'in_order', label: 'In order' },
  { value: 'not_in_order', label: 'Not in order' },
];

function ReviewDialog({ impersonation, onClose }: { impersonation: Impersonation; onClose: () => void }) {
  const { impersonation_id, actor_email, user_email, reason: why } = impersonation;
  const [verdict, setVerdict] = useState<'in_order' | 'not_in_order'>('in_order');
  const review = useChange(reviewImpersonation, { invalidates: [listImpersonations] });
  return (
    <ConfirmAction
      title={`Review what ${actor_email} did`}
      what={
        <>
          {actor_email} acted as {user_email}: “{why}”. Read{' '}
          <Link to="/audit" search={{ impersonation_id } as never}>
            everything that was done
          </Link>{' '}
          first. What you say is final.
        </>
      }
      verb="Review"
      done="Reviewed"
      run={async ({ reason }) => {
        const { data } = await review.mutateAsync({
          params: { impersonation_id },
          body: { verdict, reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    >
      <SegmentedControl
        aria-label="Verdict"
        data={VERDICTS}
        value={verdict}
        onChange={(value) => setVerdict(value as 'in_order' | 'not_in_order')}
      />
    </ConfirmAction>
  );
}
