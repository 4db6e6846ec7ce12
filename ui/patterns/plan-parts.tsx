/** Parts of the plan dialog that hold no state. */
import { Button } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import type { Plan } from '#contract/jobs.ts';
import { ChangeList } from './change-list.tsx';
import { formatCount, plural } from './format.ts';
import { Mono } from './middle-truncate.tsx';
import classes from './plan-dialog.module.css';
import { TouchedPeople } from './touched-people.tsx';
import type { Drift } from './use-plan.ts';

const TENANTS_SHOWN = 3;
const NODES_SHOWN = 12;

/** Tenants, nodes and services that the plan touches, or people. */
export function Touched({ plan: { blast_radius } }: { plan: Plan }) {
  const { tenants, nodes, services, people } = blast_radius;
  if (people) return <TouchedPeople people={people} />;
  return (
    <dl className={classes.touched}>
      <div>
        <dt>{plural(tenants.length, 'tenant')}</dt>
        {tenants.slice(0, TENANTS_SHOWN).map(({ tenant_id, plan, contact_email }) => (
          <dd key={tenant_id}>
            <Mono>{tenant_id}</Mono> · {plan}
            {contact_email && <span className={classes.contact}>{contact_email}</span>}
          </dd>
        ))}
        <More of={tenants.map(({ tenant_id }) => tenant_id)} shown={TENANTS_SHOWN} />
      </div>
      {services.length > 0 && (
        <div>
          <dt>{plural(services.length, 'service')}</dt>
          <dd>{services.join(', ')}</dd>
        </div>
      )}
      <div>
        <dt>{plural(nodes.length, 'node')}</dt>
        <dd className={classes.nodes}>
          {nodes.slice(0, NODES_SHOWN).map((node) => (
            <Mono key={node}>{node}</Mono>
          ))}
        </dd>
        <More of={nodes} shown={NODES_SHOWN} />
      </div>
    </dl>
  );
}

/** The rest of a list, opened on demand: nothing that is touched stays unnamed. */
function More({ of, shown }: { of: readonly string[]; shown: number }) {
  const rest = of.slice(shown);
  if (rest.length === 0) return null;
  return (
    <dd>
      <details className={classes.more}>
        <summary>and {formatCount(rest.length)} more</summary>
        <span className={classes.nodes}>
          {rest.map((name) => (
            <Mono key={name}>{name}</Mono>
          ))}
        </span>
      </details>
    </dd>
  );
}

export function PlanSkeleton() {
  return (
    <div className={classes.skeleton} aria-busy aria-label="Planning">
      {Array.from({ length: 6 }, (_, index) => (
        <div key={index} />
      ))}
      <div className={classes.skeletonColumns}>
        <div />
        <div />
        <div />
      </div>
    </div>
  );
}

/** Why it cannot be started, in the words of the checks. */
export function Blockers({ plan: { blockers } }: { plan: Plan }) {
  return (
    <div className={classes.strip} data-tone="failing" role="alert">
      <IconX size={16} stroke={2.25} aria-hidden />
      <span>
        <b>{blockers.length === 1 ? 'A blocker stops this.' : `${blockers.length} blockers stop this.`}</b>{' '}
        {blockers.map(({ message }) => message.replace(/\.?$/, '.')).join(' ')}
      </span>
    </div>
  );
}

/** The world moved between plan and start: what changed, and the way to the plan of now. */
export function DriftNotice({ drift, onTake }: { drift: Drift; onTake: () => void }) {
  return (
    <div className={classes.drift} role="alert">
      <div>
        <b>The world moved since this plan was made. Nothing was started.</b>
        <ChangeList changes={drift.changes} />
      </div>
      <Button onClick={onTake}>Show the new plan</Button>
    </div>
  );
}
