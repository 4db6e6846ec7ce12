/**
 * The plan dialog: what will happen, what changes, who is touched, what was checked; then the reason and the start; then, in the same
 * place, the job as it runs. Mounted while it is open. States:
 *
 *     planning → plan ⇄ drifted → starting → running job (may be closed; the job goes on)
 *                  ⇅ expired
 */
import { Button, Checkbox, CloseButton, Modal, TextInput, Tooltip } from '@mantine/core';
import { IconAlertTriangle, IconRefresh, IconX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';
import { cancelJob, JOB_ACTIONS, type Change, type Job, type Plan } from '#contract/jobs.ts';
import { isQuiet, ProblemError } from '#ui/api/errors.ts';
import { useJobEvents } from '#ui/api/job-events.ts';
import { may, useChange, useMe } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useEnvironment } from '#ui/app/environment.tsx';
import { firstReason, stateReason } from './action-menu.tsx';
import { ChangeList } from './change-list.tsx';
import { CheckList } from './check-list.tsx';
import { useNow } from './clock.ts';
import { formatCountdown, plural } from './format.ts';
import { GuardedButton } from './guarded-button.tsx';
import { JobProgress } from './job-progress.tsx';
import { MiddleTruncate, Mono } from './middle-truncate.tsx';
import classes from './plan-dialog.module.css';
import { ProblemAlert } from './problem-alert.tsx';
import { isReason, ReasonField } from './reason-field.tsx';
import { useReturnFocus } from './return-focus.ts';
import { Section } from './section.tsx';
import { StatusPill } from './status-pill.tsx';
import { PlanSteps } from './step-list.tsx';

export interface PlanDialogProps {
  /** Shown until the plan brings its own. */
  title: string;
  /** On the start button: "Start migration". */
  verb: string;
  /** Makes the plan; called again when it has expired or the person asks. */
  plan: (signal: AbortSignal) => Promise<Plan>;
  start: (input: { plan_hash: string; reason: string }) => Promise<{ job_id: string }>;
  /** Asks for the target's id even when every step of the plan can be undone: for what has no way back once it is done. */
  typed?: boolean;
  /** Where it happens, when the plan names no single environment. */
  environments?: readonly string[];
  onClose: () => void;
}

interface HeldPlan {
  plan: Plan;
  /** When it stops being valid, by this browser's clock: the server's clock may differ, the length of its validity does not. */
  deadline: number;
}
const lifetime = (plan: Plan): number => Date.parse(plan.expires_at) - Date.parse(plan.created_at);
const hold = (plan: Plan): HeldPlan => ({ plan, deadline: Date.now() + lifetime(plan) });

interface Drift {
  changes: readonly Change[];
  plan: Plan;
}

/** What a refused start says about the drift; null when it was refused for another reason. */
function driftOf(error: unknown): Drift | null {
  if (!(error instanceof ProblemError) || error.code !== 'plan_drifted') return null;
  const { changes, plan } = (error.problem.details ?? {}) as Partial<Drift>;
  return plan ? { changes: changes ?? [], plan } : null;
}

export function PlanDialog({
  title,
  verb,
  plan: makePlan,
  start,
  typed = false,
  environments: where,
  onClose,
}: PlanDialogProps) {
  useReturnFocus();
  const [jobId, setJobId] = useState<string | null>(null);
  const [heading, setHeading] = useState<{ title: string; environment: string | null }>({
    title,
    environment: null,
  });
  const [busy, setBusy] = useState(false);
  const { environments } = useEnvironment();
  const touched = heading.environment === null ? (where ?? []) : [heading.environment];
  const isProduction = (name: string) =>
    environments.find(({ environment }) => environment === name)?.production ?? false;
  return (
    <Modal
      opened
      onClose={onClose}
      size={960}
      padding={0}
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={!busy}
      yOffset="4dvh"
    >
      <div className={classes.dialog} data-production={touched.some(isProduction) || undefined}>
        <div className={classes.header}>
          <Modal.Title className={classes.title}>{heading.title}</Modal.Title>
          {touched.map((name) => (
            <EnvironmentBadge key={name} environment={name} production={isProduction(name)} />
          ))}
          <CloseButton aria-label="Close" onClick={onClose} disabled={busy} />
        </div>
        {jobId === null ? (
          <PlanForm
            verb={verb}
            makePlan={makePlan}
            start={start}
            typed={typed}
            onPlan={(plan) => setHeading({ title: plan.title, environment: plan.environment })}
            onBusy={setBusy}
            onStarted={setJobId}
            onClose={onClose}
          />
        ) : (
          <RunningJob job_id={jobId} onClose={onClose} />
        )}
      </div>
    </Modal>
  );
}

function PlanForm({
  verb,
  makePlan,
  start,
  typed: alwaysTyped,
  onPlan,
  onBusy,
  onStarted,
  onClose,
}: {
  verb: string;
  makePlan: PlanDialogProps['plan'];
  start: PlanDialogProps['start'];
  typed: boolean;
  onPlan: (plan: Plan) => void;
  onBusy: (busy: boolean) => void;
  onStarted: (job_id: string) => void;
  onClose: () => void;
}) {
  const now = useNow();
  const [held, setHeld] = useState<HeldPlan | null>(null);
  const [planning, setPlanning] = useState(true);
  const [starting, setStarting] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [drift, setDrift] = useState<Drift | null>(null);
  const [reason, setReason] = useState('');
  const [acknowledged, setAcknowledged] = useState(false);
  const [typed, setTyped] = useState('');
  const latest = useRef({ makePlan, onPlan });
  useEffect(() => {
    latest.current = { makePlan, onPlan };
  });

  const take = useCallback((plan: Plan) => {
    setHeld(hold(plan));
    setDrift(null);
    setError(null);
    setAcknowledged(false);
    setTyped('');
    latest.current.onPlan(plan);
  }, []);

  const running = useRef<AbortController | null>(null);
  const read = useCallback(async () => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    try {
      const plan = await latest.current.makePlan(controller.signal);
      if (!controller.signal.aborted) take(plan);
    } catch (failure) {
      if (!controller.signal.aborted && !isQuiet(failure)) setError(failure);
    } finally {
      if (!controller.signal.aborted) setPlanning(false);
    }
  }, [take]);
  useEffect(() => {
    void read();
    return () => running.current?.abort();
  }, [read]);
  const replan = () => {
    setPlanning(true);
    setError(null);
    void read();
  };

  const submit = async (event: React.SubmitEvent) => {
    event.preventDefault();
    if (!held || starting || planning || blockedBy !== null) return;
    setStarting(true);
    onBusy(true);
    setError(null);
    try {
      const { job_id } = await start({ plan_hash: held.plan.plan_hash, reason: reason.trim() });
      onBusy(false);
      onStarted(job_id);
    } catch (failure) {
      onBusy(false);
      setStarting(false);
      const drifted = driftOf(failure);
      if (drifted) setDrift(drifted);
      else if (!isQuiet(failure)) setError(failure);
    }
  };

  if (!held)
    return (
      <>
        <div className={classes.body}>
          {error ? <ProblemAlert error={error} onRetry={replan} /> : <PlanSkeleton />}
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
  const blockedBy =
    plan.blockers[0]?.message ??
    (drift
      ? 'The plan has drifted: read the new one first'
      : expired
        ? 'The plan has expired'
        : plan.warnings.length > 0 && !acknowledged
          ? 'Acknowledge the warnings first'
          : final && typed !== plan.target.id
            ? `Type ${plan.target.id} first`
            : !isReason(reason)
              ? 'Give a reason first'
              : null);

  return (
    <form className={classes.form} onSubmit={(event) => void submit(event)}>
      <div className={classes.body} data-dimmed={planning || drift !== null || undefined}>
        <Section title="What will happen">
          <PlanSteps plan={plan} />
        </Section>
        <div className={classes.columns}>
          <Section title="What changes">
            <ChangeList changes={plan.changes} />
            {plan.rollback && <p className={classes.rollback}>Afterwards: {plan.rollback}</p>}
          </Section>
          <Section title="Who is touched">
            <Touched plan={plan} />
          </Section>
          <Section
            title="Checks"
            aside={
              <Tooltip label="Plan again with figures of now">
                <Button
                  variant="subtle"
                  color="gray"
                  size="compact-xs"
                  leftSection={<IconRefresh size={13} />}
                  loading={planning}
                  onClick={replan}
                >
                  Check again
                </Button>
              </Tooltip>
            }
          >
            <CheckList checks={plan.checks} />
          </Section>
        </div>
      </div>

      <div className={classes.decision}>
        {drift && <DriftNotice drift={drift} onTake={() => take(drift.plan)} />}
        <ProblemAlert error={error} />
        {!drift && plan.blockers.length > 0 && (
          <div className={classes.strip} data-tone="failing" role="alert">
            <IconX size={16} stroke={2.25} aria-hidden />
            <span>
              <b>
                {plan.blockers.length === 1
                  ? 'A blocker stops this.'
                  : `${plan.blockers.length} blockers stop this.`}
              </b>{' '}
              {plan.blockers.map(({ message }) => message.replace(/\.?$/, '.')).join(' ')}
            </span>
          </div>
        )}
        {!drift && plan.blockers.length === 0 && (
          <>
            {plan.warnings.length > 0 && (
              <div className={classes.strip} data-tone="attention">
                <Checkbox
                  size="xs"
                  checked={acknowledged}
                  onChange={(event) => setAcknowledged(event.currentTarget.checked)}
                  label={`I have read the ${plan.warnings.length === 1 ? 'warning' : `${plan.warnings.length} warnings`} above and go on in spite of ${plan.warnings.length === 1 ? 'it' : 'them'}`}
                />
              </div>
            )}
            <div className={classes.inputs} data-typed={final || undefined}>
              <ReasonField value={reason} onChange={setReason} disabled={starting} autoFocus />
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
        </span>
        <Button variant="default" onClick={onClose} disabled={starting}>
          Cancel
        </Button>
        {expired && !drift ? (
          <Button onClick={replan} loading={planning}>
            Plan again
          </Button>
        ) : (
          <GuardedButton
            type="submit"
            against={blockedBy}
            loading={starting}
            {...(final && { color: 'red' })}
          >
            {verb}
          </GuardedButton>
        )}
      </footer>
    </form>
  );
}

/** Tenants, nodes and services that the plan touches. */
function Touched({ plan: { blast_radius } }: { plan: Plan }) {
  const { tenants, nodes, services } = blast_radius;
  return (
    <dl className={classes.touched}>
      <div>
        <dt>{plural(tenants.length, 'tenant')}</dt>
        {tenants.slice(0, 3).map(({ tenant_id, plan, contact_email }) => (
          <dd key={tenant_id}>
            <Mono>{tenant_id}</Mono> · {plan}
            {contact_email && <span className={classes.contact}>{contact_email}</span>}
          </dd>
        ))}
        {tenants.length > 3 && <dd>and {tenants.length - 3} more</dd>}
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
          {nodes.map((node) => (
            <Mono key={node}>{node}</Mono>
          ))}
        </dd>
      </div>
    </dl>
  );
}

function DriftNotice({ drift, onTake }: { drift: Drift; onTake: () => void }) {
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

function PlanSkeleton() {
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

function RunningJob({ job_id, onClose }: { job_id: string; onClose: () => void }) {
  const { job, connected, error } = useJobEvents(job_id);
  const [cancelling, setCancelling] = useState(false);
  return (
    <>
      <div className={classes.body}>
        {error && <ProblemAlert error={error} />}
        {job ? (
          <>
            <div className={classes.state}>
              <StatusPill of="job" status={job.state} soft />
              {job.reason !== null && <span className={classes.facts}>{job.reason}</span>}
            </div>
            <JobProgress job={job} connected={connected} />
          </>
        ) : (
          !error && <PlanSkeleton />
        )}
      </div>
      {cancelling && job ? (
        <CancelForm job={job} onDone={() => setCancelling(false)} />
      ) : (
        <footer className={classes.footer}>
          <span className={classes.facts}>
            Job <MiddleTruncate text={job_id} keep={4} label="Copy the job id" />
            <Link to="/jobs/$job_id" params={{ job_id }} onClick={onClose} className={classes.link}>
              Open the job
            </Link>
          </span>
          {job && <CancelButton job={job} onCancel={() => setCancelling(true)} />}
          <Tooltip label="The job goes on" disabled={!job || job.finished_at !== null}>
            <Button variant="default" onClick={onClose} autoFocus>
              Close
            </Button>
          </Tooltip>
        </footer>
      )}
    </>
  );
}

function CancelButton({ job, onCancel }: { job: Job; onCancel: () => void }) {
  const me = useMe();
  if (job.finished_at !== null) return null;
  const against = firstReason(
    may(me.data, 'jobs.cancel', { tenant_id: job.tenant_id, environment: job.environment }),
    stateReason(JOB_ACTIONS.cancel, job.state, 'job'),
    job.cancel_requested_at !== null && 'It was asked to stop already',
  );
  return (
    <GuardedButton variant="default" against={against} onClick={onCancel}>
      Cancel and undo
    </GuardedButton>
  );
}

/** In place of the footer, so that the steps stay in sight while one decides. */
function CancelForm({ job, onDone }: { job: Job; onDone: () => void }) {
  const [reason, setReason] = useState('');
  const cancel = useChange(cancelJob);
  const submit = (event: React.SubmitEvent) => {
    event.preventDefault();
    if (cancel.isPending || !isReason(reason)) return;
    cancel.mutate({ params: { job_id: job.job_id }, body: { reason: reason.trim() } }, { onSuccess: onDone });
  };
  return (
    <form onSubmit={submit} className={classes.cancel}>
      <ReasonField
        label="Why cancel and undo?"
        description="It stops before the next step, then undoes what was done, in reverse order. Kept in the audit log."
        placeholder=""
        value={reason}
        onChange={setReason}
        autoFocus
      />
      <ProblemAlert error={cancel.error} />
      <div className={classes.cancelButtons}>
        <Button variant="default" onClick={onDone} disabled={cancel.isPending}>
          Keep it running
        </Button>
        <Button type="submit" color="red" loading={cancel.isPending} disabled={!isReason(reason)}>
          Cancel and undo
        </Button>
      </div>
    </form>
  );
}
