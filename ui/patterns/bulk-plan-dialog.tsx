/** Several plans under one reason: read together, started one after another, each with its own job and its own end. */
import { Button, Checkbox, CloseButton, Modal, TextInput } from '@mantine/core';
import { IconAlertTriangle, IconX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { describeError } from '#ui/api/errors.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useIsProduction } from '#ui/app/environment.tsx';
import classes from './bulk-plan-dialog.module.css';
import { CheckList } from './check-list.tsx';
import { plural } from './format.ts';
import { GuardedButton } from './guarded-button.tsx';
import { Mono } from './middle-truncate.tsx';
import frame from './plan-dialog.module.css';
import { isReason, ReasonField } from './reason-field.tsx';
import { useReturnFocus } from './return-focus.ts';
import { StatusPill, Tag } from './status-pill.tsx';
import { PlanSteps } from './step-list.tsx';
import { isStartable, useBulkPlans, type BulkItem, type BulkState } from './use-bulk-plans.ts';

export interface BulkPlanDialogProps {
  title: string;
  environment: string;
  items: readonly (BulkItem & { label: string })[];
  /** On the start button, with the number of items that can be started: "Restart 3 services". */
  verb: (count: number) => string;
  onClose: () => void;
}

export function BulkPlanDialog({ title, environment, items, verb, onClose }: BulkPlanDialogProps) {
  useReturnFocus();
  const { states, phase, run, stop, stopping } = useBulkPlans(items);
  const isProduction = useIsProduction();
  const [reason, setReason] = useState('');
  const [acknowledged, setAcknowledged] = useState(false);
  const [typed, setTyped] = useState('');
  const startable = items.filter(({ id }) => isStartable(states.get(id)));
  const plans = startable.flatMap(({ id }) => {
    const state = states.get(id);
    return state?.state === 'planned' ? [state.plan] : [];
  });
  const warnings = plans.reduce((sum, plan) => sum + plan.warnings.length, 0);
  const final = plans.some(({ steps }) => steps.some(({ point_of_no_return }) => point_of_no_return));
  const against =
    phase === 'planning'
      ? 'The plans are being made'
      : startable.length === 0
        ? 'None of them can be started'
        : warnings > 0 && !acknowledged
          ? 'Acknowledge the warnings first'
          : final && typed !== environment
            ? `Type ${environment} first`
            : !isReason(reason)
              ? 'Give a reason first'
              : null;
  const running = phase === 'running';
  return (
    <Modal
      opened
      onClose={onClose}
      size={820}
      padding={0}
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={!running}
      yOffset="4dvh"
    >
      <div className={frame.dialog} data-production={isProduction(environment) || undefined}>
        <div className={frame.header}>
          <Modal.Title className={frame.title}>{title}</Modal.Title>
          <EnvironmentBadge environment={environment} />
          <CloseButton aria-label="Close" onClick={onClose} disabled={running} />
        </div>
        <form
          className={frame.form}
          onSubmit={(event) => {
            event.preventDefault();
            if (against === null) run(reason.trim());
          }}
        >
          <div className={frame.body}>
            <ol className={classes.items} aria-live="polite">
              {items.map(({ id, label }) => (
                <Item key={id} label={label} state={states.get(id) ?? { state: 'planning' }} />
              ))}
            </ol>
          </div>
          {(phase === 'planning' || phase === 'planned') && (
            <div className={frame.decision}>
              {warnings > 0 && (
                <div className={frame.strip} data-tone="attention">
                  <Checkbox
                    size="xs"
                    checked={acknowledged}
                    onChange={(event) => setAcknowledged(event.currentTarget.checked)}
                    label={`I have read the ${plural(warnings, 'warning')} above and go on in spite of ${warnings === 1 ? 'it' : 'them'}`}
                  />
                </div>
              )}
              <div className={frame.inputs} data-typed={final || undefined}>
                <ReasonField value={reason} onChange={setReason} data-autofocus />
                {final && (
                  <TextInput
                    label={
                      <>
                        This cannot be undone: type <Mono>{environment}</Mono>
                      </>
                    }
                    value={typed}
                    onChange={(event) => setTyped(event.currentTarget.value)}
                    autoComplete="off"
                    spellCheck={false}
                  />
                )}
              </div>
            </div>
          )}
          <footer className={frame.footer}>
            <span className={frame.facts}>
              {running
                ? 'One after another, from this window: closing it starts no more.'
                : 'Each has its own plan and job; the first that does not succeed stops the rest.'}
            </span>
            {running ? (
              <Button variant="default" onClick={stop} disabled={stopping}>
                {stopping ? 'Stops after this one' : 'Stop after this one'}
              </Button>
            ) : (
              <Button variant="default" onClick={onClose}>
                {phase === 'over' ? 'Close' : 'Cancel'}
              </Button>
            )}
            {(phase === 'planning' || phase === 'planned') && (
              <GuardedButton
                type="submit"
                against={against}
                loading={phase === 'planning'}
                {...(final && { color: 'red' })}
              >
                {verb(startable.length)}
              </GuardedButton>
            )}
          </footer>
        </form>
      </div>
    </Modal>
  );
}

function Item({ label, state }: { label: string; state: BulkState }) {
  const plan = 'plan' in state ? state.plan : null;
  const bad = plan ? [...plan.blockers, ...plan.warnings] : [];
  return (
    <li className={classes.item}>
      <div className={classes.line}>
        <span className={classes.label}>{label}</span>
        <Verdict state={state} />
      </div>
      {state.state === 'unplanned' || state.state === 'refused' ? (
        <p className={classes.error}>{describeError(state.error).detail}</p>
      ) : (
        bad.length > 0 && state.state === 'planned' && <CheckList checks={bad} />
      )}
      {state.state === 'ended' && state.job.error && (
        <p className={classes.error}>{state.job.error.message}</p>
      )}
      {plan && state.state === 'planned' && (
        <details className={classes.details}>
          <summary>{plural(plan.steps.length, 'step')}</summary>
          <PlanSteps plan={plan} />
        </details>
      )}
    </li>
  );
}

/** What is to be said of one of them, in a word. */
function Verdict({ state }: { state: BulkState }) {
  switch (state.state) {
    case 'planning':
      return <span className={classes.quiet}>planning…</span>;
    case 'unplanned':
      return <Tag tone="failing">no plan</Tag>;
    case 'planned':
      return state.plan.blockers.length > 0 ? (
        <span className={classes.verdict} data-tone="failing">
          <IconX size={14} aria-hidden /> blocked, left out
        </span>
      ) : state.plan.warnings.length > 0 ? (
        <span className={classes.verdict} data-tone="attention">
          <IconAlertTriangle size={14} aria-hidden /> {plural(state.plan.warnings.length, 'warning')}
        </span>
      ) : (
        <Tag tone="well">can be started</Tag>
      );
    case 'waiting':
      return <span className={classes.quiet}>waits for its turn</span>;
    case 'left':
      return <span className={classes.quiet}>not started</span>;
    case 'changed':
      return <Tag tone="attention">changed since it was read; not started</Tag>;
    case 'refused':
      return <Tag tone="failing">refused</Tag>;
    case 'running':
    case 'ended':
      return (
        <span className={classes.verdict}>
          <StatusPill of="job" status={state.job?.state ?? 'queued'} />
          <Link to="/jobs/$job_id" params={{ job_id: state.job_id }} target="_blank" className={frame.link}>
            the job
          </Link>
        </span>
      );
  }
}
