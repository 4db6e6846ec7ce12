import { listDetections } from '#contract/iam/detections.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { formatCount } from '#ui/patterns/format.ts';
import classes from './shell.module.css';

const OPEN = { query: { state: 'open', limit: 1 } } as const;

/** How many detections nobody has looked into; nothing while there are none. */
export function OpenDetections() {
  const { data } = useEndpoint(listDetections, OPEN, { refetchInterval: 15_000 });
  const count = data?.total.count ?? 0;
  if (count === 0) return null;
  return (
    <b className={classes.badge} aria-label={`${count} open`}>
      {formatCount(count)}
    </b>
  );
}
