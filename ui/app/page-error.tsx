import type { ErrorComponentProps } from '@tanstack/react-router';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import classes from './page.module.css';

/** A page that failed to load or to draw; the frame around it stays. */
export function PageError({ error, reset }: ErrorComponentProps) {
  return (
    <div className={classes.narrow}>
      <ProblemAlert error={error} onRetry={reset} />
    </div>
  );
}
