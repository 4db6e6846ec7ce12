import { IconArrowRight } from '@tabler/icons-react';
import type { Change } from '#contract/jobs.ts';
import classes from './change-list.module.css';
import { formatValue } from './format.ts';

/** A diff, one field a line: "shard  agg-3 → agg-1". */
export function ChangeList({ changes }: { changes: readonly Change[] }) {
  if (changes.length === 0) return <p className={classes.none}>Nothing</p>;
  return (
    <dl className={classes.list}>
      {changes.map(({ path, before, after }) => (
        <div key={path} className={classes.change}>
          <dt>{path.replace(/^\//, '').replaceAll('/', '.')}</dt>
          <dd>
            {before !== null && before !== undefined && (
              <>
                <del>{formatValue(before)}</del>
                <IconArrowRight size={13} aria-label="becomes" />
              </>
            )}
            <ins>{after === null || after === undefined ? 'removed' : formatValue(after)}</ins>
          </dd>
        </div>
      ))}
    </dl>
  );
}
