import classes from './panel.module.css';

/** A titled part of a page. `flush` lets a table reach the edges. */
export function Panel({
  title,
  actions,
  flush = false,
  children,
}: {
  title?: React.ReactNode;
  actions?: React.ReactNode;
  flush?: boolean;
  children: React.ReactNode;
}) {
  return (
    <section className={classes.panel}>
      {(title !== undefined || actions !== undefined) && (
        <div className={classes.head}>
          <h2 className={classes.title}>{title}</h2>
          {actions && <div className={classes.actions}>{actions}</div>}
        </div>
      )}
      <div className={flush ? classes.flush : classes.body}>{children}</div>
    </section>
  );
}

/** Names and values, one a line. */
export const Properties = ({
  children,
  className = '',
}: {
  children: React.ReactNode;
  className?: string | undefined;
}) => <dl className={`${classes.properties} ${className}`}>{children}</dl>;

export function Property({ name, children }: { name: React.ReactNode; children: React.ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
