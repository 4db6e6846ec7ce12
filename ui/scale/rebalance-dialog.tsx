/** Evening out the shards of a service: how far one would go, chosen above the plan, whose changes are the proposed moves. */
import { NumberInput, SegmentedControl } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { MAX_MOVES, planRebalance, startRebalance } from '#contract/drains.ts';
import { SERVICE_KINDS, type ServiceKind } from '#contract/placement-record.ts';
import { call } from '#ui/api/client.ts';
import { useChange } from '#ui/api/queries.ts';
import { sentence } from '#ui/patterns/format.ts';
import { PlanDialog } from '#ui/patterns/plan-dialog.tsx';
import classes from './operation-dialogs.module.css';
import { STALE_PLACEMENTS } from './stale-fleet.ts';

const TYPING_MS = 300;
const DEFAULT_MOVES = 100;
const DEFAULT_THRESHOLD_PERCENT = 5;
export function RebalanceDialog({
  environment,
  service: given = 'aggregate',
  onClose,
}: {
  environment: string;
  service?: ServiceKind;
  onClose: () => void;
}) {
  const rebalance = useChange(startRebalance, { invalidates: STALE_PLACEMENTS });
  const [choice, setChoice] = useState<{
    service: ServiceKind;
    moves: string | number;
    percent: string | number;
  }>({ service: given, moves: DEFAULT_MOVES, percent: DEFAULT_THRESHOLD_PERCENT });
  const [{ service, moves, percent }] = useDebouncedValue(choice, TYPING_MS);
  const complete = typeof moves === 'number' && moves >= 1 && typeof percent === 'number';
  const input = {
    environment,
    service,
    max_moves: Number(moves),
    improvement_threshold: Number(percent) / 100,
  };
  return (
    <PlanDialog
      title={`Rebalance ${choice.service} shards`}
      verb="Start rebalance"
      environments={[environment]}
      choices={JSON.stringify(input)}
      unplanned="Say how many moves at most, and from which improvement on it is worth it."
      plan={complete ? async (signal) => (await call(planRebalance, { body: input, signal })).data : null}
      start={async (approved) => (await rebalance.mutateAsync({ body: { ...input, ...approved } })).data}
      onClose={onClose}
    >
      <div className={classes.choices}>
        <div>
          <div className={classes.label}>Service</div>
          <SegmentedControl
            size="sm"
            aria-label="Service"
            value={choice.service}
            onChange={(value) => setChoice({ ...choice, service: value })}
            data={SERVICE_KINDS.map((kind) => ({ value: kind, label: sentence(kind) }))}
          />
        </div>
        <NumberInput
          label="Moves at most"
          value={choice.moves}
          onChange={(value) => setChoice({ ...choice, moves: value })}
          min={1}
          max={MAX_MOVES}
          clampBehavior="strict"
          allowDecimal={false}
          allowNegative={false}
          w={128}
        />
        <NumberInput
          label="Worth it from"
          suffix=" % better spread"
          value={choice.percent}
          onChange={(value) => setChoice({ ...choice, percent: value })}
          min={0}
          max={100}
          clampBehavior="strict"
          allowNegative={false}
          w={168}
        />
      </div>
    </PlanDialog>
  );
}
