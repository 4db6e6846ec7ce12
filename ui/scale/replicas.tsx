import type { Service } from '#contract/fleet.ts';
import { formatCount } from '#ui/patterns/format.ts';
import { Hint } from '#ui/patterns/hint.tsx';
import { LoadBar } from '#ui/patterns/load-bar.tsx';
import { Tag } from '#ui/patterns/status-pill.tsx';
import classes from './fleet.module.css';

/** "3 of 3" with a bar; says in words how many of them still run an earlier specification. */
export function Replicas({
  service: { replicas_desired, replicas_running, replicas_current, mode },
}: {
  service: Pick<Service, 'replicas_desired' | 'replicas_running' | 'replicas_current' | 'mode'>;
}) {
  const old = replicas_running - replicas_current;
  const wanted = replicas_desired ?? replicas_running;
  return (
    <span className={classes.replicas}>
      <LoadBar
        ratio={wanted === 0 ? 0 : replicas_running / wanted}
        tone={replicas_running >= wanted ? 'well' : replicas_running === 0 ? 'failing' : 'attention'}
        label="Replicas that run"
      />
      <span>
        {replicas_desired === null
          ? `${formatCount(replicas_running)}, ${mode === 'global' ? 'one a host' : 'any number wanted'}`
          : `${formatCount(replicas_running)} of ${formatCount(replicas_desired)}`}
      </span>
      {old > 0 && (
        <Hint label={`${old} of them still run an earlier specification`}>
          <span>
            <Tag tone="progress">{old} old</Tag>
          </span>
        </Hint>
      )}
    </span>
  );
}
