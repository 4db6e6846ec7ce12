import { IconCircleFilled } from '@tabler/icons-react';
import { Hint } from './hint.tsx';
import { statusLook, type StatusDomain, type StatusOf, type Tone } from './status-table.ts';
import classes from './status-pill.module.css';

/**
 * A state as icon, word and colour. Plain in tables; `soft` (with a ground) in headers, where it stands alone.
 * `of` names the kind of thing whose state it is.
 */
export function StatusPill<D extends StatusDomain>({
  of,
  status,
  soft = false,
  word,
}: {
  of: D;
  status: StatusOf<D>;
  soft?: boolean;
  /** In place of the state's own word. */
  word?: string;
}) {
  const look = statusLook(of, status);
  const pill = (
    <span className={classes.pill} data-tone={look.tone} data-soft={soft || undefined}>
      <look.icon
        className={look.turning ? classes.turning : look.icon === IconCircleFilled ? classes.dot : undefined}
        size={14}
        aria-hidden
      />
      {word ?? look.word}
    </span>
  );
  return look.meaning === undefined ? pill : <Hint label={look.meaning}>{pill}</Hint>;
}

/** A word in a tone, for what is not a state of the table: "production", "built in". */
export const Tag = ({ tone = 'neutral', children }: { tone?: Tone; children: React.ReactNode }) => (
  <span className={classes.tag} data-tone={tone}>
    {children}
  </span>
);
