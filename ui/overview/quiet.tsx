import { IconCircleCheck } from '@tabler/icons-react';
import classes from './quiet.module.css';

/** The good answer to a question: one calm line, and what it rests on. */
export function Quiet({
  title,
  children,
  mark = false,
}: {
  title: string;
  children?: React.ReactNode;
  mark?: boolean;
}) {
  return (
    <div className={classes.quiet}>
      {mark && <IconCircleCheck size={18} className={classes.icon} aria-hidden />}
      <div>
        <p className={classes.title}>{title}</p>
        {children && <p className={classes.basis}>{children}</p>}
      </div>
    </div>
  );
}

/** Lines of the height of what is to come. */
export const QuietSkeleton = ({ rows = 3 }: { rows?: number }) => (
  <div className={classes.skeleton} role="status" aria-busy aria-label="Loading">
    {Array.from({ length: rows }, (_, row) => (
      <span key={row} style={{ width: `${[72, 54, 64, 46][row % 4]}%` }} />
    ))}
  </div>
);
