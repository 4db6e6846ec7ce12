import { Button, Group } from '@mantine/core';
import { formatValue } from '#ui/patterns/format.ts';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import classes from './conflict-notice.module.css';

export interface FieldDifference {
  label: string;
  /** As it was when the form was opened. */
  before: unknown;
  /** As it is now. */
  now: unknown;
}

/** The fields that differ between what a form began with and what is there now. */
export function differences<T extends object>(
  labels: Partial<Record<keyof T & string, string>>,
  before: T,
  now: T,
): FieldDifference[] {
  return Object.entries(labels).flatMap(([name, label]) => {
    const [old, fresh] = [before[name as keyof T], now[name as keyof T]];
    return JSON.stringify(old) === JSON.stringify(fresh)
      ? []
      : [{ label: label as string, before: old, now: fresh }];
  });
}

/**
 * Somebody else changed it while a form was open (412): says what, and offers both ways on. `changed` null = the new version is still
 * being read.
 */
export function ConflictNotice({
  error,
  changed,
  onKeep,
  onDiscard,
}: {
  error: unknown;
  changed: readonly FieldDifference[] | null;
  /** Goes on with what was typed, on top of the new version. */
  onKeep: () => void;
  /** Starts again from the new version. */
  onDiscard: () => void;
}) {
  return (
    <ProblemAlert error={error} tone="attention">
      {changed === null ? (
        <p>Reading the new version…</p>
      ) : (
        <>
          {changed.length > 0 ? (
            <ul className={classes.changes}>
              {changed.map(({ label, before, now }) => (
                <li key={label}>
                  <b>{label}</b>: <s>{formatValue(before)}</s> → {formatValue(now)}
                </li>
              ))}
            </ul>
          ) : (
            <p>None of the fields of this form has changed.</p>
          )}
          <Group gap={8} mt={8} mb={4}>
            <Button variant="default" size="xs" onClick={onKeep}>
              Keep what I typed
            </Button>
            <Button variant="default" size="xs" onClick={onDiscard}>
              Start from the new version
            </Button>
          </Group>
        </>
      )}
    </ProblemAlert>
  );
}
