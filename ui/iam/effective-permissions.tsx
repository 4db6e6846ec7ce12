import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import {
  explainTokenPermissions,
  explainUserPermissions,
  type EffectivePermissions,
  type PermissionReason,
} from '#contract/iam.ts';
import { may, useEndpoint, useMe } from '#ui/api/queries.ts';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { SearchBox } from '#ui/patterns/filter-bar.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import classes from './effective-permissions.module.css';
import { scopeText } from './scope-label.tsx';

type Item = EffectivePermissions['items'][number];

const Reason = ({ reason }: { reason: PermissionReason }) => (
  <span className={classes.reason}>
    <strong>{scopeText(reason)}</strong> by{' '}
    <Link to="/roles/$role_id" params={{ role_id: reason.role_id }}>
      {reason.role_title}
    </Link>
    , which holds <Mono>{reason.pattern}</Mono>
    {reason.token_pattern !== null && (
      <>
        ; the token names <Mono>{reason.token_pattern}</Mono>
      </>
    )}
    {reason.expires_at !== null && (
      <>
        , ends <RelativeTime iso={reason.expires_at} />
      </>
    )}
  </span>
);

const COLUMNS: readonly Column<Item>[] = [
  {
    id: 'permission',
    header: 'Permission',
    width: 190,
    cell: ({ permission, description }) => (
      <span title={description}>
        <Mono>{permission}</Mono>
      </span>
    ),
  },
  {
    id: 'reasons',
    header: 'Where, and why',
    grow: true,
    cell: ({ reasons }) => (
      <span className={classes.reasons}>
        {reasons.map((reason) => (
          <Reason key={reason.assignment_id} reason={reason} />
        ))}
      </span>
    ),
  },
];

/** What a person or a service account may do now, permission by permission, with every role that says so. */
export function UserPermissions({ user_id }: { user_id: string }) {
  const enabled = may(useMe().data, 'iam.roles.read').allowed;
  const asked = useEndpoint(explainUserPermissions, { params: { user_id } }, { enabled });
  return <Permissions {...asked} inactive="Not active: none of this counts at present." />;
}

/** What a token may do now: what its user may, as far as it names it. */
export function TokenPermissions({ token_id }: { token_id: string }) {
  const enabled = may(useMe().data, 'iam.roles.read').allowed;
  const asked = useEndpoint(explainTokenPermissions, { params: { token_id } }, { enabled });
  return (
    <Permissions
      {...asked}
      inactive="The token, or whom it acts as, is not active: none of this counts at present."
    />
  );
}

function Permissions({
  data,
  error,
  refetch,
  inactive,
}: {
  data: EffectivePermissions | undefined;
  error: unknown;
  refetch: () => unknown;
  inactive: string;
}) {
  const readable = may(useMe().data, 'iam.roles.read');
  const [text, setText] = useState('');
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return (data?.items ?? []).filter(({ permission, description }) =>
      `${permission} ${description}`.toLowerCase().includes(wanted),
    );
  }, [data, text]);
  if (!readable.allowed)
    return (
      <Panel title="Permissions">
        <EmptyState title="You may not see roles" hint={readable.reason} />
      </Panel>
    );
  return (
    <div className={classes.page}>
      <div className={classes.bar}>
        <SearchBox value={text} onChange={setText} placeholder="Search permissions" />
        {data?.principal.may_act === false && <span role="status">{inactive}</span>}
      </div>
      {error !== null && <ProblemAlert error={error} onRetry={() => void refetch()} />}
      {(data || error === null) && (
        <DataTable
          label="Permissions"
          columns={COLUMNS}
          rows={rows}
          rowId={({ permission }) => permission}
          skeleton={data === undefined ? 8 : undefined}
          empty={
            <EmptyState
              title={text === '' ? 'May do nothing' : 'No permission matches'}
              hint="A role says what somebody may do, and where."
            />
          }
        />
      )}
    </div>
  );
}
