import { IconAlertTriangle } from '@tabler/icons-react';
import classes from './fleet-page.module.css';

/** What is wrong with the thing of the page, in a sentence; nothing when it is well. */
export function Trouble({ problem }: { problem: string | null }) {
  if (problem === null) return null;
  return (
    <p className={classes.trouble} role="status">
      <IconAlertTriangle size={17} aria-hidden /> {problem}
    </p>
  );
}
