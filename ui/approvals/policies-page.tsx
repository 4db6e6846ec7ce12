/** Which operations need which approvals, and the editor of that. */
import { ActionIcon, Button, MultiSelect, NumberInput, Select, Tooltip } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import {
  listApprovalPolicies,
  listApprovals,
  readRequirements,
  updateApprovalPolicy,
  type ApprovalPolicy,
  type Requirement,
} from '#contract/approvals.ts';
import type { ResponseOf } from '#contract/endpoint.ts';
import { listRoles } from '#contract/iam.ts';
import { may, useChange, useEndpoint, useMe } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useEnvironment } from '#ui/app/environment.tsx';
import { FormDrawer } from '#ui/iam/form-drawer.tsx';
import { askedFor, needsText, useRequirements } from '#ui/patterns/approval-needs.ts';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { DetailPage } from '#ui/patterns/detail-page.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { plural } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { isReason, ReasonField } from '#ui/patterns/reason-field.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { toastAsked, toastDone } from '#ui/patterns/toast.tsx';
import classes from './policies-page.module.css';

type Operation = ResponseOf<typeof listApprovalPolicies>['operations'][number];
const PARENT = { label: 'Approvals', link: { to: '/approvals' } } as const;
const policyId = ({ policy_id }: ApprovalPolicy): string => policy_id;

const COLUMNS: readonly Column<ApprovalPolicy>[] = [
  {
    id: 'operation',
    header: 'Operation',
    width: 220,
    cell: ({ operation }) => <Mono>{operation}</Mono>,
  },
  {
    id: 'environment',
    header: 'Where',
    width: 112,
    cell: ({ environment }) =>
      environment === null ? 'everywhere' : <EnvironmentBadge environment={environment} quiet />,
  },
  {
    id: 'needs',
    header: 'Needs',
    width: 280,
    grow: true,
    cell: ({ requirements }) => needsText(requirements).replace(/^needs /, ''),
  },
  {
    id: 'approvers',
    header: 'Who could approve',
    width: 144,
    cell: ({ approver_counts }) =>
      approver_counts.map((count) => plural(count, 'person', 'people')).join(', '),
  },
  {
    id: 'expires',
    header: 'Waits at most',
    width: 112,
    align: 'right',
    cell: ({ expires_after_h }) => `${expires_after_h} h`,
  },
  { id: 'by', header: 'Set by', width: 160, cell: ({ updated_by }) => updated_by },
  {
    id: 'at',
    header: 'Set',
    width: 96,
    cell: ({ updated_at }) => <RelativeTime iso={updated_at} />,
  },
];

export function PoliciesPage() {
  const me = useMe().data;
  const { data, error, refetch } = useEndpoint(listApprovalPolicies);
  const [editing, setEditing] = useState<ApprovalPolicy | 'new' | null>(null);
  const against = may(me, 'approvals.policies.update').reason;
  return (
    <DetailPage
      parent={PARENT}
      noun="page"
      title="Approval policies"
      primary={
        <GuardedButton
          leftSection={<IconPlus size={16} />}
          against={against}
          onClick={() => setEditing('new')}
        >
          Add policy
        </GuardedButton>
      }
      loading={data === undefined}
      error={error}
      onRetry={() => void refetch()}
    >
      {data && (
        <DataTable
          label="Approval policies"
          columns={COLUMNS}
          rows={data.items.filter(({ requirements }) => requirements.length > 0)}
          rowId={policyId}
          {...(against === null && { onOpen: setEditing })}
          empty={
            <EmptyState
              title="Nothing needs an approval"
              hint="Add a policy, and what it guards waits for the approvals that it names."
            />
          }
        />
      )}
      {data && editing !== null && (
        <PolicyDrawer
          policy={editing === 'new' ? null : editing}
          policies={data.items}
          operations={data.operations}
          onClose={() => setEditing(null)}
        />
      )}
    </DetailPage>
  );
}

const EVERYWHERE = ' everywhere';
const ONE: Requirement = { count: 1, roles: [] };

function PolicyDrawer({
  policy,
  policies,
  operations,
  onClose,
}: {
  policy: ApprovalPolicy | null;
  policies: readonly ApprovalPolicy[];
  operations: readonly Operation[];
  onClose: () => void;
}) {
  const { environments } = useEnvironment();
  const roles = useEndpoint(listRoles, { query: { limit: 200, sort: 'role_id' } });
  const [operation, setOperation] = useState(policy?.operation ?? operations[0]?.operation ?? '');
  const [environment, setEnvironment] = useState<string | null>(policy?.environment ?? null);
  const [requirements, setRequirements] = useState<Requirement[]>(policy?.requirements ?? [ONE]);
  const [hours, setHours] = useState(policy?.expires_after_h ?? 24);
  const [reason, setReason] = useState('');
  // One that was taken away, or that somebody has not seen, goes on from its revision.
  const known = policies.find(
    (each) =>
      each.operation === operation && each.environment === environment && each.requirements.length === 0,
  );
  const needed = useRequirements(updateApprovalPolicy, environment);
  const update = useChange(updateApprovalPolicy, {
    invalidates: [listApprovalPolicies, readRequirements, listApprovals],
    onSuccess: ({ data }) => {
      const asked = askedFor(data);
      if (asked) toastAsked(asked);
      else toastDone('Policy set', data.job_id);
      onClose();
    },
  });
  const change = (index: number, part: Partial<Requirement>) =>
    setRequirements(requirements.map((each, at) => (at === index ? { ...each, ...part } : each)));
  const guarding = requirements.length > 0;
  return (
    <FormDrawer
      title={policy ? 'Change policy' : 'Add policy'}
      verb={needed.length > 0 ? 'Ask for approval' : guarding ? 'Set policy' : 'Remove policy'}
      footnote={needed.length > 0 ? needsText(needed) : null}
      onClose={onClose}
      pending={update.isPending}
      disabled={!isReason(reason) || requirements.some((each) => each.roles.length === 0)}
      error={update.error}
      onSubmit={() =>
        update.mutate({
          body: {
            operation,
            environment,
            requirements,
            expires_after_h: hours,
            revision: (policy ?? known)?.revision ?? 0,
            reason: reason.trim(),
          },
        })
      }
    >
      <Select
        label="Operation"
        description={operations.find((each) => each.operation === operation)?.summary}
        data={operations.map((each) => each.operation)}
        value={operation}
        onChange={(value) => setOperation(value ?? operation)}
        disabled={policy !== null}
        allowDeselect={false}
      />
      <Select
        label="Where"
        data={[
          { value: EVERYWHERE, label: 'everywhere' },
          ...environments.map((each) => ({ value: each.environment, label: each.environment })),
        ]}
        value={environment ?? EVERYWHERE}
        onChange={(value) => setEnvironment(value === EVERYWHERE ? null : value)}
        disabled={policy !== null}
        allowDeselect={false}
      />
      {requirements.map((requirement, index) => (
        <div key={index} className={classes.requirement}>
          <NumberInput
            label="Approvals"
            min={1}
            max={5}
            allowDecimal={false}
            value={requirement.count}
            onChange={(value) => change(index, { count: Number(value) || 1 })}
            className={classes.count}
          />
          <MultiSelect
            label="by people with one of these roles"
            data={(roles.data?.items ?? []).map(({ role_id, title }) => ({ value: role_id, label: title }))}
            value={requirement.roles}
            onChange={(value) => change(index, { roles: value })}
            maxValues={10}
            searchable
            className={classes.roles}
          />
          <Tooltip label="Take this requirement away">
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Take requirement ${index + 1} away`}
              onClick={() => setRequirements(requirements.filter((_, at) => at !== index))}
            >
              <IconX size={16} />
            </ActionIcon>
          </Tooltip>
        </div>
      ))}
      {!guarding && <p className={classes.none}>Without a requirement it needs no approval.</p>}
      <Button
        variant="default"
        size="xs"
        leftSection={<IconPlus size={14} />}
        disabled={requirements.length >= 5}
        onClick={() => setRequirements([...requirements, ONE])}
        className={classes.add}
      >
        {guarding ? 'And also' : 'Require approvals'}
      </Button>
      <NumberInput
        label="A request waits at most"
        suffix=" h"
        min={1}
        max={720}
        allowDecimal={false}
        value={hours}
        onChange={(value) => setHours(Number(value) || 1)}
      />
      <ReasonField value={reason} onChange={setReason} />
    </FormDrawer>
  );
}
