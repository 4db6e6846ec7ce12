/** Another number of replicas: chosen above the plan, which is made anew for each choice. */
import { NumberInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { MAX_REPLICAS, planServiceScaling, startServiceScaling, type Service } from '#contract/fleet.ts';
import { call } from '#ui/api/client.ts';
import { useChange } from '#ui/api/queries.ts';
import { plural } from '#ui/patterns/format.ts';
import { PlanDialog } from '#ui/patterns/plan-dialog.tsx';
import classes from './operation-dialogs.module.css';
import { STALE_FLEET } from './stale-fleet.ts';

const TYPING_MS = 300;
export function ScaleServiceDialog({
  environment,
  service_id,
  name,
  replicas_desired,
  onClose,
}: Pick<Service, 'environment' | 'service_id' | 'name' | 'replicas_desired'> & { onClose: () => void }) {
  const scale = useChange(startServiceScaling, { invalidates: STALE_FLEET });
  const [text, setText] = useState<string | number>(replicas_desired ?? 0);
  const [settled] = useDebouncedValue(text, TYPING_MS);
  const replicas = typeof settled === 'number' ? settled : Number.NaN;
  const chosen = Number.isInteger(replicas) && replicas !== replicas_desired;
  const input = { environment, service_id, replicas };
  return (
    <PlanDialog
      title={`Scale ${name}`}
      verb={chosen ? `Scale to ${plural(replicas, 'replica')}` : 'Scale service'}
      environments={[environment]}
      choices={String(replicas)}
      unplanned={
        replicas_desired === null
          ? 'Choose how many replicas there shall be.'
          : `It runs ${plural(replicas_desired, 'replica')}. Choose another number to see the plan; nothing changes before you start it.`
      }
      plan={chosen ? async (signal) => (await call(planServiceScaling, { body: input, signal })).data : null}
      start={async (approved) => (await scale.mutateAsync({ body: { ...input, ...approved } })).data}
      onClose={onClose}
    >
      <div className={classes.choices}>
        <NumberInput
          label="Replicas"
          value={text}
          onChange={setText}
          min={0}
          max={MAX_REPLICAS}
          clampBehavior="strict"
          allowDecimal={false}
          allowNegative={false}
          w={112}
          data-autofocus
        />
        <p className={classes.hint}>
          {replicas_desired !== null && `now ${replicas_desired}`}
          {chosen && replicas_desired !== null && `, ${difference(replicas - replicas_desired)}`}
        </p>
      </div>
    </PlanDialog>
  );
}

const difference = (by: number): string => (by > 0 ? `${by} more` : `${-by} fewer`);
