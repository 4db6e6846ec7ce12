/** The steps of a plan, and the same steps as a job runs them: one list, so that the dialog does not jump when the job starts. */
import { IconLock } from '@tabler/icons-react';
import type { JobStep, Plan, PlanStep } from '#contract/jobs.ts';
import { Hint } from './hint.tsx';
import { useNow } from './clock.ts';
import { formatDuration } from './format.ts';
import { statusLook } from './status-table.ts';
import classes from './step-list.module.css';
import { StepProgress } from './step-progress.tsx';

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** What is undone, if it comes to that. */
function Undo({
  step,
}: {
  step: Pick<PlanStep, 'undo_title' | 'point_of_no_return'> & { changes_nothing?: boolean };
}) {
  if (step.point_of_no_return)
    return (
      <span className={classes.final}>
        <IconLock size={13} aria-hidden /> point of no return
      </span>
    );
  if (step.undo_title !== null) return <>undo: {lowerFirst(step.undo_title)}</>;
  return <>{step.changes_nothing === false ? 'nothing to undo' : 'changes nothing'}</>;
}

/** Numbered steps of a plan with their undo, time box and expected time. */
export function PlanSteps({ plan }: { plan: Plan }) {
  return (
    <ol className={classes.list} data-plan>
      {plan.steps.map((step, index) => (
        <li key={step.name} className={classes.step}>
          <span className={classes.mark}>{index + 1}</span>
          <span className={classes.title}>{step.title}</span>
          <span className={classes.undo}>
            <Undo step={step} />
          </span>
          <Hint label={`Given up and undone after ${formatDuration(step.time_box_s)}`}>
            <span className={classes.time}>up to {formatDuration(step.time_box_s)}</span>
          </Hint>
          <span className={classes.time}>
            {step.eta_s !== null && (
              <>
                ETA <b>{formatDuration(step.eta_s)}</b>
              </>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}

const seconds = (from: string, to: string | null, now: number): number =>
  Math.max(0, ((to === null ? now : Date.parse(to)) - Date.parse(from)) / 1000);

/** How long a step has taken, or takes so far; its undo counts on its own. */
function Elapsed({ step }: { step: JobStep }) {
  const now = useNow();
  if (step.started_at === null) return null;
  const text = formatDuration(seconds(step.started_at, step.finished_at ?? step.undo_started_at, now));
  const attempts = step.attempts > 1 ? `, attempt ${step.attempts}` : '';
  if (step.undo_started_at === null)
    return (
      <>
        {text}
        {attempts}
      </>
    );
  const undo = formatDuration(seconds(step.undo_started_at, step.undo_finished_at, now));
  const undoAttempts = step.undo_attempts > 1 ? `, attempt ${step.undo_attempts}` : '';
  return (
    <>
      {text} · undo {undo}
      {undoAttempts}
    </>
  );
}

const ENDED: readonly JobStep['state'][] = ['succeeded', 'undone'];

/** Steps of a job with state, elapsed time, live progress and errors. */
export function JobSteps({ steps }: { steps: readonly JobStep[] }) {
  return (
    <div className={classes.frame}>
      <ol className={classes.list} aria-live="polite">
        {steps.map((step) => {
          const { icon: StateIcon, tone, word, turning } = statusLook('step', step.state);
          return (
            <li key={step.step_index} className={classes.step} data-state={step.state} data-tone={tone}>
              <Hint label={word}>
                <span className={classes.mark} data-state={step.state}>
                  {step.state === 'pending' ? (
                    step.step_index + 1
                  ) : (
                    <StateIcon
                      size={16}
                      className={turning ? classes.turning : undefined}
                      aria-label={word}
                      role="img"
                    />
                  )}
                </span>
              </Hint>
              <span className={classes.title}>{step.title}</span>
              <span className={classes.undo}>
                {step.state === 'pending' || step.state === 'running' || step.state === 'succeeded' ? (
                  <Undo step={step} />
                ) : (
                  <b className={classes.word}>
                    {word}
                    {step.undo_title !== null && (step.state === 'undoing' || step.state === 'undone')
                      ? `: ${lowerFirst(step.undo_title)}`
                      : ''}
                  </b>
                )}
              </span>
              <span className={classes.time}>
                <Elapsed step={step} />
              </span>
              {step.error !== null && (
                <p className={classes.error} data-quiet={step.error.code === 'cancelled' || undefined}>
                  {step.error.message} <code>{step.error.code}</code>
                </p>
              )}
              {step.progress !== null && step.progress !== undefined && (
                <div className={classes.progress}>
                  <StepProgress progress={step.progress} ended={ENDED.includes(step.state)} />
                </div>
              )}
            </li>
          );
        })}
      </ol>
    </div>
  );
}
