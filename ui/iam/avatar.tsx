import { initialsOf } from '#ui/patterns/format.ts';
import classes from './sign-in-methods.module.css';

/** Initials of a name, for the eye alone. */
export function Avatar({ name }: { name: string }) {
  return (
    <span className={classes.avatar} aria-hidden>
      {initialsOf(name)}
    </span>
  );
}
