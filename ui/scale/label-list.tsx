import { Unknown } from '#ui/patterns/figure.tsx';
import classes from './fleet-page.module.css';

/** Every label, one a line. */
export function LabelList({ labels }: { labels: Record<string, string> }) {
  const all = Object.entries(labels).toSorted(([a], [b]) => a.localeCompare(b));
  if (all.length === 0) return <Unknown why="It has no labels" />;
  return (
    <ul className={classes.labels}>
      {all.map(([name, value]) => (
        <li key={name}>
          {name}={value}
        </li>
      ))}
    </ul>
  );
}
