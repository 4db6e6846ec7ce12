import { TextInput } from '@mantine/core';
import { IconArrowRight, IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import type { Change } from '#contract/jobs.ts';
import classes from './change-list.module.css';
import { formatValue } from './format.ts';

const nameOf = (path: string): string => path.replace(/^\//, '').replaceAll('/', '.');

/** A diff, one field a line: "shard  agg-3 → agg-1". */
export function ChangeList({ changes }: { changes: readonly Change[] }) {
  if (changes.length === 0) return <p className={classes.none}>Nothing</p>;
  return (
    <dl className={classes.list}>
      {changes.map(({ path, before, after }) => (
        <div key={path} className={classes.change}>
          <dt>{nameOf(path)}</dt>
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

/** A long diff, such as a hundred moves: in columns, scrolling inside itself, and searched. */
export function ManyChanges({ changes }: { changes: readonly Change[] }) {
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const found = changes.filter(({ path, before, after }) =>
    [nameOf(path), formatValue(before), formatValue(after)].some((one) => one.toLowerCase().includes(wanted)),
  );
  return (
    <div className={classes.many}>
      <TextInput
        size="xs"
        aria-label="Find among the changes"
        placeholder={`Find among ${changes.length} changes`}
        leftSection={<IconSearch size={13} />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          // It narrows what is read; it must not start what is planned.
          if (event.key === 'Enter') event.preventDefault();
        }}
      />
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be scrolled by keyboard, too */}
      <div className={classes.scroll} tabIndex={0} role="region" aria-label="Changes">
        {found.length > 0 ? (
          <ChangeList changes={found} />
        ) : (
          <p className={classes.none}>No change has “{text.trim()}” in it.</p>
        )}
      </div>
    </div>
  );
}
