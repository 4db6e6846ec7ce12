import classes from './section.module.css';

/** A titled part of a dialog: the words, then a hairline to the edge. */
export function Section({
  title,
  aside,
  children,
}: {
  title: React.ReactNode;
  aside?: React.ReactNode;
  children: React.ReactNode;
}) {
  return (
    <section className={classes.section}>
      <h3 className={classes.title}>
        <span>{title}</span>
        <i aria-hidden />
        {aside}
      </h3>
      {children}
    </section>
  );
}
