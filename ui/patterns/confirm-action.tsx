/**
 * The confirmation of a simple change. Mounted while it is open (`{open && <ConfirmAction … />}`), so that it always starts afresh;
 * `run` does the change and may throw, which is shown in the dialog and leaves it open.
 */
import { Button, Modal, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Endpoint } from '#contract/endpoint.ts';
import { isQuiet } from '#ui/api/errors.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import classes from './confirm-action.module.css';
import { ProblemAlert } from './problem-alert.tsx';
import { isReason, ReasonField } from './reason-field.tsx';
import { useReturnFocus } from './return-focus.ts';
import { toastAsked, toastDone } from './toast.tsx';
import { needsText, useRequirements } from './approval-needs.ts';

export interface ConfirmActionProps {
  title: string;
  /** What will happen, in a sentence or two. */
  what: React.ReactNode;
  /** The verb on the button: "Suspend user". */
  verb: string;
  danger?: boolean;
  /** Where it happens; left out for what is the same everywhere, such as people and roles. */
  environment?: string | null;
  /** `required` for what has weight; `none` asks for nothing. */
  reason?: 'required' | 'optional' | 'none';
  /** This text has to be typed before the button works: for what cannot be undone. */
  typed?: string;
  /** Does it. The answer's `job_id` is linked in the toast. */
  run: (input: { reason: string | undefined }) => Promise<{ job_id?: string; approval_id?: string } | void>;
  /** The endpoint that it calls, where a policy may ask for approvals first. */
  approvable?: Endpoint;
  /** Said when it is done; null says nothing. */
  done?: string | null;
  onClose: () => void;
  /** More fields of the form. */
  children?: React.ReactNode;
  /** Why the button does not work yet, from the fields in `children`. */
  blocked?: boolean;
}

export function ConfirmAction({
  title,
  what,
  verb,
  danger = false,
  environment,
  reason = 'required',
  typed,
  run,
  done = 'Done',
  onClose,
  children,
  blocked = false,
  approvable,
}: ConfirmActionProps) {
  useReturnFocus();
  const requirements = useRequirements(approvable, environment ?? null);
  const [text, setText] = useState('');
  const [name, setName] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const given = text.trim();
  const complete =
    (reason === 'required' ? isReason(text) : given === '' || isReason(text)) &&
    (typed === undefined || name === typed) &&
    !blocked;

  const submit = async (event: React.SubmitEvent) => {
    event.preventDefault();
    if (busy || !complete) return;
    setBusy(true);
    setError(null);
    try {
      const answer = await run({ reason: given === '' ? undefined : given });
      if (answer?.approval_id) toastAsked(answer.approval_id);
      else if (done !== null) toastDone(done, answer?.job_id);
      onClose();
    } catch (problem) {
      if (!isQuiet(problem)) setError(problem);
      setBusy(false);
    }
  };

  return (
    <Modal
      opened
      onClose={onClose}
      closeOnClickOutside={!busy}
      closeOnEscape={!busy}
      title={
        <span className={classes.title}>
          {title}
          {environment && <EnvironmentBadge environment={environment} />}
        </span>
      }
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <form onSubmit={(event) => void submit(event)} className={classes.form}>
        <div className={classes.what}>{what}</div>
        {children}
        {reason !== 'none' && (
          <ReasonField
            value={text}
            onChange={setText}
            required={reason === 'required'}
            data-autofocus={children === undefined || undefined}
          />
        )}
        {typed !== undefined && (
          <TextInput
            label={
              <>
                Type <code className={classes.typed}>{typed}</code> to confirm
              </>
            }
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
          />
        )}
        <ProblemAlert error={error} />
        {requirements.length > 0 && <p className={classes.what}>This {needsText(requirements)}.</p>}
        <div className={classes.footer}>
          <Button variant="default" onClick={onClose} disabled={busy}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} disabled={!complete} {...(danger && { color: 'red' })}>
            {requirements.length > 0 ? 'Ask for approval' : verb}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
