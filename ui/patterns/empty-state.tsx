import classes from './empty-state.module.css';

/** Nothing here: why, and the next step. */
export function EmptyState({
  title,
  hint,
  icon,
  compact = false,
  children,
}: {
  title: string;
  hint?: React.ReactNode;
  icon?: React.ReactNode;
  /** Inside a panel that stands among others. */
  compact?: boolean;
  /** The next step: a button or a link. */
  children?: React.ReactNode;
}) {
  return (
    <div className={classes.empty} data-compact={compact || undefined}>
      {icon && <div className={classes.icon}>{icon}</div>}
      <p className={classes.title}>{title}</p>
      {hint && <p className={classes.hint}>{hint}</p>}
      {children && <div className={classes.next}>{children}</div>}
    </div>
  );
}
