/**
 * The plan dialog: what will happen, what changes, who is touched, what was checked; then the reason and the start; then, in the same
 * place, the job as it runs. Mounted while it is open. States:
 *
 *     planning → plan ⇄ drifted → starting → running job (may be closed; the job goes on)
 *        ⇅         ⇅                └→ asked for approval
 *     choices   expired
 */
import { CloseButton, Modal } from '@mantine/core';
import { useState } from 'react';
import type { Endpoint } from '#contract/endpoint.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useIsProduction } from '#ui/app/environment.tsx';
import classes from './plan-dialog.module.css';
import { PlanApproval } from './plan-approval.tsx';
import { PlanForm } from './plan-form.tsx';
import { PlanJob } from './plan-job.tsx';
import { useReturnFocus } from './return-focus.ts';
import { usePlan, type MakePlan, type StartPlan } from './use-plan.ts';

export interface PlanDialogProps {
  /** Shown until the plan brings its own. */
  title: string;
  /** On the start button: "Start migration". */
  verb: string;
  /** Makes the plan; called again when `choices` change, when it has expired or when the person asks. Null: nothing to plan yet. */
  plan: MakePlan | null;
  start: StartPlan;
  /** The endpoint that `start` calls, where a policy may ask for approvals first. */
  approvable?: Endpoint;
  /** What is planned, where the dialog lets one choose it. */
  choices?: string;
  /** The fields of those choices; they stand above the plan. */
  children?: React.ReactNode;
  /** Said in place of the plan while there is nothing to plan. */
  unplanned?: string;
  /** Asks for the target's id even when every step of the plan can be undone: for what has no way back once it is done. */
  typed?: boolean;
  /** Where it happens, until the plan says it, or when the plan names no single environment. */
  environments?: readonly string[];
  onClose: () => void;
}

export function PlanDialog({
  title,
  verb,
  plan: makePlan,
  start,
  approvable,
  choices = '',
  children,
  unplanned,
  typed = false,
  environments = [],
  onClose,
}: PlanDialogProps) {
  useReturnFocus();
  const planned = usePlan(makePlan, choices);
  const [started, setStarted] = useState<{ job_id: string; approval_id?: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const isProduction = useIsProduction();
  const plan = planned.held?.plan;
  const touched = plan?.environment ? [plan.environment] : environments;
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
          <Modal.Title className={classes.title}>{plan?.title ?? title}</Modal.Title>
          {touched.map((name) => (
            <EnvironmentBadge key={name} environment={name} />
          ))}
          <CloseButton aria-label="Close" onClick={onClose} disabled={busy} />
        </div>
        {started === null ? (
          <PlanForm
            verb={verb}
            planned={planned}
            unplanned={unplanned}
            start={start}
            approvable={approvable}
            typed={typed}
            onBusy={setBusy}
            onStarted={setStarted}
            onClose={onClose}
          >
            {children}
          </PlanForm>
        ) : started.approval_id ? (
          <PlanApproval approval_id={started.approval_id} onClose={onClose} />
        ) : (
          <PlanJob job_id={started.job_id} onClose={onClose} />
        )}
      </div>
    </Modal>
  );
}
