import classes from './sign-in-methods.module.css';

/** Initials of a name, for the eye alone. */
export function Avatar({ name }: { name: string }) {
  const words = name.trim().split(/\s+/);
  const initials = [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => Array.from(word ?? '')[0] ?? '')
    .join('');
  return (
    <span className={classes.avatar} aria-hidden>
      {initials.toUpperCase()}
    </span>
  );
}
