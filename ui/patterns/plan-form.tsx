/** The plan before its start: it is read here, its warnings are acknowledged, the reason is given. */
import { Button, Checkbox, TextInput, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import { useState } from 'react';
import type { Endpoint } from '#contract/endpoint.ts';
import type { Plan } from '#contract/jobs.ts';
import { needsText, useRequirements } from './approval-needs.ts';
import { ChangeList, ManyChanges } from './change-list.tsx';
import { CheckList } from './check-list.tsx';
import { useNow } from './clock.ts';
import { formatCountdown } from './format.ts';
import { GuardedButton } from './guarded-button.tsx';
import { MiddleTruncate, Mono } from './middle-truncate.tsx';
import classes from './plan-dialog.module.css';
import { Blockers, DriftNotice, PlanSkeleton, Touched } from './plan-parts.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { isReason, ReasonField } from './reason-field.tsx';
import { Section } from './section.tsx';
import { PlanSteps } from './step-list.tsx';
import { lifetime, type Planned, type StartPlan } from './use-plan.ts';

/** More changes than that stand over the whole width, where they can be searched. */
const FEW_CHANGES = 8;

export function PlanForm({
  verb,
  planned,
  unplanned,
  start,
  approvable,
  typed: alwaysTyped,
  onBusy,
  onStarted,
  onClose,
  children,
}: {
  verb: string;
  planned: Planned;
  unplanned: string | undefined;
  start: StartPlan;
  approvable: Endpoint | undefined;
  typed: boolean;
  onBusy: (busy: boolean) => void;
  onStarted: (started: Awaited<ReturnType<StartPlan>>) => void;
  onClose: () => void;
  children: React.ReactNode;
}) {
  const { held, current, planning, error, drift, replan, take, refuse } = planned;
  const now = useNow();
  const [starting, setStarting] = useState(false);
  const [reason, setReason] = useState('');
  /** Hash of the plan whose warnings were read: another plan has other warnings. */
  const [acknowledged, setAcknowledged] = useState<string | null>(null);
  const [typed, setTyped] = useState('');
  const requirements = useRequirements(approvable, held?.plan.environment);

  if (!held || (!current && !planning))
    return (
      <>
        <div className={classes.body}>
          {children}
          {error ? (
            <ProblemAlert error={error} onRetry={replan} />
          ) : planning ? (
            <PlanSkeleton />
          ) : (
            <p className={classes.unplanned}>{unplanned}</p>
          )}
        </div>
        <footer className={classes.footer}>
          <span className={classes.facts}>{planning && 'Planning: nothing is changed by it'}</span>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
        </footer>
      </>
    );

  const { plan, deadline } = held;
  // The ticking clock may be a second behind the moment in which the plan came.
  const left = Math.min(deadline - now, lifetime(plan)) / 1000;
  const expired = left <= 0;
  const final = alwaysTyped || plan.steps.some(({ point_of_no_return }) => point_of_no_return);
  const unread = plan.warnings.length > 0 && acknowledged !== plan.plan_hash;
  const against = planning
    ? 'The plan is being made'
    : (plan.blockers[0]?.message ??
      (drift
        ? 'The plan has drifted: read the new one first'
        : expired
          ? 'The plan has expired'
          : unread
            ? 'Acknowledge the warnings first'
            : final && typed !== plan.target.id
              ? `Type ${plan.target.id} first`
              : !isReason(reason)
                ? 'Give a reason first'
                : null));

  const submit = async (event: React.SubmitEvent) => {
    event.preventDefault();
    if (starting || against !== null) return;
    setStarting(true);
    onBusy(true);
    try {
      const started = await start({ plan_hash: plan.plan_hash, reason: reason.trim() });
      onBusy(false);
      onStarted(started);
    } catch (refused) {
      onBusy(false);
      setStarting(false);
      refuse(refused);
    }
  };

  return (
    <form className={classes.form} onSubmit={(event) => void submit(event)}>
      <div className={classes.body}>
        {children}
        <div className={classes.plan} data-dimmed={planning || drift !== null || undefined}>
          <PlanParts plan={plan} planning={planning} onReplan={replan} />
        </div>
      </div>
      <div className={classes.decision}>
        {drift && <DriftNotice drift={drift} onTake={() => take(drift.plan)} />}
        <ProblemAlert error={error} />
        {!drift && plan.blockers.length > 0 && <Blockers plan={plan} />}
        {!drift && plan.blockers.length === 0 && (
          <>
            {plan.warnings.length > 0 && (
              <div className={classes.strip} data-tone="attention">
                <Checkbox
                  size="xs"
                  checked={!unread}
                  onChange={(event) => setAcknowledged(event.currentTarget.checked ? plan.plan_hash : null)}
                  label={`I have read the ${plan.warnings.length === 1 ? 'warning' : `${plan.warnings.length} warnings`} above and go on in spite of ${plan.warnings.length === 1 ? 'it' : 'them'}`}
                />
              </div>
            )}
            <div className={classes.inputs} data-typed={final || undefined}>
              <ReasonField
                value={reason}
                onChange={setReason}
                disabled={starting}
                autoFocus={children === undefined}
              />
              {final && (
                <TextInput
                  label={
                    <>
                      This cannot be undone: type <Mono>{plan.target.id}</Mono>
                    </>
                  }
                  value={typed}
                  onChange={(event) => setTyped(event.currentTarget.value)}
                  autoComplete="off"
                  spellCheck={false}
                  disabled={starting}
                />
              )}
            </div>
          </>
        )}
      </div>
      <footer className={classes.footer}>
        <span className={classes.facts}>
          Plan <MiddleTruncate text={plan.plan_hash} keep={4} label="Copy the plan hash" />
          {expired ? (
            <span className={classes.expired}>
              <IconAlertTriangle size={14} aria-hidden /> expired
            </span>
          ) : (
            <span className={left < 60 ? classes.expired : undefined}>valid {formatCountdown(left)}</span>
          )}
          {requirements.length > 0 && <span>{needsText(requirements)}</span>}
        </span>
        <Button variant="default" onClick={onClose} disabled={starting}>
          Cancel
        </Button>
        {expired && !drift ? (
          <Button onClick={replan} loading={planning}>
            Plan again
          </Button>
        ) : (
          <GuardedButton type="submit" against={against} loading={starting} {...(final && { color: 'red' })}>
            {requirements.length > 0 ? 'Ask for approval' : verb}
          </GuardedButton>
        )}
      </footer>
    </form>
  );
}

/** What will happen, what changes, who is touched, what was checked. */
export function PlanParts({
  plan,
  planning = false,
  onReplan,
}: {
  plan: Plan;
  planning?: boolean;
  /** Left out where the plan is shown as it was read. */
  onReplan?: () => void;
}) {
  const many = plan.changes.length > FEW_CHANGES;
  const afterwards = plan.rollback && <p className={classes.rollback}>Afterwards: {plan.rollback}</p>;
  return (
    <>
      {plan.steps.length > 0 && (
        <Section title="What will happen">
          <PlanSteps plan={plan} />
        </Section>
      )}
      {many && (
        <Section title={`What changes · ${plan.changes.length}`}>
          <ManyChanges changes={plan.changes} />
          {afterwards}
        </Section>
      )}
      <div className={classes.columns} data-two={many || undefined}>
        {!many && (
          <Section title="What changes">
            <ChangeList changes={plan.changes} />
            {afterwards}
          </Section>
        )}
        {plan.steps.length > 0 && (
          <Section title="Who is touched">
            <Touched plan={plan} />
          </Section>
        )}
        <Section
          title="Checks"
          aside={
            onReplan && (
              <Tooltip label="Plan again with figures of now">
                <Button
                  variant="subtle"
                  color="gray"
                  size="compact-xs"
                  leftSection={<IconRefresh size={13} />}
                  loading={planning}
                  onClick={onReplan}
                >
                  Check again
                </Button>
              </Tooltip>
            )
          }
        >
          <CheckList checks={plan.checks} />
        </Section>
      </div>
    </>
  );
}
