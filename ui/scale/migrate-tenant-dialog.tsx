/** Moving a tenant: choose what and where to, with the load of each shard in sight; then the plan. */
import { Button, Modal, Radio, SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { SERVICE_KINDS, type ServiceKind } from '#contract/placement-record.ts';
import { listPlacements, listShards, planMigration, startMigration, type Shard } from '#contract/scale.ts';
import { getTenant, listTenants } from '#contract/tenants.ts';
import { call } from '#ui/api/client.ts';
import { useChange, useEndpoint } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { Figure } from '#ui/patterns/figure.tsx';
import { formatCount, formatRatio, sentence } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { LoadBar } from '#ui/patterns/load-bar.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { PlanDialog } from '#ui/patterns/plan-dialog.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { useReturnFocus } from '#ui/patterns/return-focus.ts';
import { StatusPill, Tag } from '#ui/patterns/status-pill.tsx';
import classes from './migrate-tenant-dialog.module.css';

const STALE = [listTenants, getTenant, listPlacements, listShards];

export interface MigrateTenantDialogProps {
  tenant_id: string;
  environment: string;
  service?: ServiceKind | undefined;
  onClose: () => void;
}

export function MigrateTenantDialog({
  tenant_id,
  environment,
  service: given,
  onClose,
}: MigrateTenantDialogProps) {
  const [service, setService] = useState<ServiceKind>(given ?? 'aggregate');
  const [chosen, setChosen] = useState<string | null>(null);
  useReturnFocus();
  const [planned, setPlanned] = useState(false);
  const start = useChange(startMigration, { invalidates: STALE });
  const placements = useEndpoint(listPlacements, { query: { tenant_id, environment } });
  const shards = useEndpoint(listShards, { query: { environment } }, { refetchInterval: 5_000 });
  const current = placements.data?.items.find((placement) => placement.service === service);
  const choices = shards.data?.items.filter((shard) => shard.service === service) ?? [];
  const target = chosen ?? leastLoaded(choices, current?.shard);

  if (planned && target) {
    const input = { environment, tenant_id, service, target_shard: target };
    return (
      <PlanDialog
        title={`Migrate ${tenant_id} · ${service} · ${current?.shard ?? '?'} → ${target}`}
        verb="Start migration"
        approvable={startMigration}
        plan={async (signal) => (await call(planMigration, { body: input, signal })).data}
        start={async (approved) => (await start.mutateAsync({ body: { ...input, ...approved } })).data}
        onClose={onClose}
      />
    );
  }

  const error = placements.error ?? shards.error;
  const against =
    placements.data && !current
      ? `It is not placed for ${service} in ${environment}`
      : target === undefined
        ? 'Choose another shard to go to'
        : null;
  return (
    <Modal
      opened
      onClose={onClose}
      size={720}
      closeButtonProps={{ 'aria-label': 'Close' }}
      title={
        <span className={classes.title}>
          Migrate {tenant_id} <EnvironmentBadge environment={environment} />
        </span>
      }
    >
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (against === null) setPlanned(true);
        }}
      >
        <div>
          <div className={classes.label}>Which service moves</div>
          <SegmentedControl
            fullWidth
            aria-label="Service"
            size="sm"
            value={service}
            onChange={(value) => {
              setService(value);
              setChosen(null);
            }}
            data={SERVICE_KINDS.map((kind) => {
              const shard = placements.data?.items.find((placement) => placement.service === kind)?.shard;
              return {
                value: kind,
                label: (
                  <span className={classes.service}>
                    {sentence(kind)} {shard && <Mono>{shard}</Mono>}
                  </span>
                ),
              };
            })}
          />
        </div>
        {error && <ProblemAlert error={error} />}
        <Radio.Group label="Where to" value={target ?? ''} onChange={setChosen}>
          <div className={classes.shards}>
            {choices.map((shard) => (
              <ShardChoice key={shard.shard} shard={shard} current={shard.shard === current?.shard} />
            ))}
            {!shards.data &&
              !shards.error &&
              [1, 2, 3].map((index) => <div key={index} className={classes.bone} />)}
            {shards.data && choices.length === 0 && (
              <p className={classes.none}>
                No {service} shard is known in {environment}.
              </p>
            )}
          </div>
        </Radio.Group>
        <div className={classes.footer}>
          <span className={classes.note}>The plan changes nothing; you start it after you have read it.</span>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <GuardedButton
            data-autofocus
            type="submit"
            against={against}
            loading={placements.isPending || shards.isPending}
          >
            Show the plan
          </GuardedButton>
        </div>
      </form>
    </Modal>
  );
}

const loadOf = ({ tenant_count, tenant_capacity }: Shard): number =>
  tenant_capacity === 0 ? 1 : tenant_count / tenant_capacity;
const isReady = ({ nodes }: Shard): boolean => nodes.some(({ state }) => state === 'ready');

/** The shard that has most room, of those that are ready. */
function leastLoaded(shards: readonly Shard[], current: string | undefined): string | undefined {
  const others = shards.filter(({ shard }) => shard !== current);
  const ready = others.filter(isReady);
  return (ready.length > 0 ? ready : others).toSorted((a, b) => loadOf(a) - loadOf(b))[0]?.shard;
}

function ShardChoice({ shard, current }: { shard: Shard; current: boolean }) {
  const load = loadOf(shard);
  return (
    <Radio.Card value={shard.shard} disabled={current} className={classes.choice}>
      <Radio.Indicator size="xs" disabled={current} />
      <span className={classes.name}>
        <Mono>{shard.shard}</Mono>
        {current && <Tag>serves it now</Tag>}
      </span>
      <span className={classes.bar}>
        <LoadBar ratio={load} label="Tenants" />
        <span className={classes.figures}>
          {formatCount(shard.tenant_count)} of {formatCount(shard.tenant_capacity)} tenants
        </span>
      </span>
      <span className={classes.figures}>
        storage{' '}
        {shard.storage_used_ratio === null ? (
          <Figure value={null} missing="No node of the shard has said it" />
        ) : (
          formatRatio(shard.storage_used_ratio)
        )}
      </span>
      <span className={classes.figures}>
        lag <Figure value={shard.consumer_lag} missing="No node of the shard has said it" />
      </span>
      <span className={classes.states}>
        {shard.nodes.length === 0 ? (
          <Tag tone="failing">no node</Tag>
        ) : (
          shard.nodes.map(({ node_id, state }) => <StatusPill key={node_id} of="node" status={state} />)
        )}
      </span>
    </Radio.Card>
  );
}
