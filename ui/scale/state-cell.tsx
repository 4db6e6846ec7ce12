import { Hint } from '#ui/patterns/hint.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import classes from './fleet.module.css';

/** A state with what is wrong beside it; since when on hover. */
export function StateCell({
  since,
  problem,
  children,
}: {
  since: string;
  problem: string | null;
  children: React.ReactElement;
}) {
  return (
    <span className={classes.state}>
      <Hint
        label={
          <>
            since <RelativeTime iso={since} />
          </>
        }
      >
        <span>{children}</span>
      </Hint>
      {problem !== null && (
        <Hint label={problem}>
          <span className={classes.problem}>{problem}</span>
        </Hint>
      )}
    </span>
  );
}
