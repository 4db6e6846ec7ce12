import { Modal } from '@mantine/core';
import type { NavigationEntry } from './navigation.ts';
import classes from './shortcut-help.module.css';

const GENERAL = [
  { keys: ['Ctrl', 'K'], what: 'Search or jump to anything' },
  { keys: ['/'], what: 'Search this list' },
  { keys: ['↑', '↓'], what: 'From row to row, once a row has the focus' },
  { keys: ['Esc'], what: 'Close, or leave the search' },
  { keys: ['?'], what: 'This help' },
] as const;

/** Every keyboard shortcut that works for this person. */
export function ShortcutHelp({
  opened,
  onClose,
  entries,
}: {
  opened: boolean;
  onClose: () => void;
  entries: readonly NavigationEntry[];
}) {
  const rows = [
    ...GENERAL,
    ...entries.flatMap(({ key, label }) => (key ? [{ keys: ['g', key], what: `Go to ${label}` }] : [])),
  ];
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="Keyboard shortcuts"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <dl className={classes.list}>
        {rows.map(({ keys, what }) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
