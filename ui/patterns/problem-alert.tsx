import { Button } from '@mantine/core';
import { IconAlertCircle, IconAlertTriangle } from '@tabler/icons-react';
import { describeError, isQuiet } from '#ui/api/errors.ts';
import { CopyButton } from './middle-truncate.tsx';
import classes from './problem-alert.module.css';

/** Code and request id in small print, copied together: what one hands to whoever looks into it. */
export function ProblemReference({ code, request_id }: { code: string; request_id: string | null }) {
  const text = request_id === null ? code : `${code} · ${request_id}`;
  return (
    <span className={classes.reference}>
      {text}
      <CopyButton text={text} label="Copy code and request id" always />
    </span>
  );
}

/** An error: what happened, where, what to do. Quiet ones (a cancelled prompt, a page that was left) show nothing. */
export function ProblemAlert({
  error,
  onRetry,
  tone = 'failing',
  children,
}: {
  error: unknown;
  onRetry?: (() => void) | undefined;
  tone?: 'failing' | 'attention';
  /** The way on, when trying again is not it. */
  children?: React.ReactNode;
}) {
  if (error === null || error === undefined || isQuiet(error)) return null;
  const { title, detail, code, request_id, fields } = describeError(error);
  const ProblemIcon = tone === 'failing' ? IconAlertCircle : IconAlertTriangle;
  return (
    <div className={classes.alert} data-tone={tone} role="alert">
      <ProblemIcon size={18} className={classes.icon} aria-hidden />
      <div className={classes.body}>
        <p className={classes.title}>{title}</p>
        {detail !== title && <p className={classes.detail}>{detail}</p>}
        {fields.length > 0 && (
          <ul className={classes.fields}>
            {fields.map((field) => (
              <li key={`${field.in}${field.pointer}`}>
                <code>{field.pointer || field.in}</code> {field.message}
              </li>
            ))}
          </ul>
        )}
        {children}
        <ProblemReference code={code} request_id={request_id} />
      </div>
      {onRetry && (
        <Button variant="default" size="xs" onClick={onRetry} className={classes.retry}>
          Try again
        </Button>
      )}
    </div>
  );
}
