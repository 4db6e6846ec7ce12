import { IconAlertTriangle, IconCheck, IconX } from '@tabler/icons-react';
import type { Check } from '#contract/jobs.ts';
import classes from './check-list.module.css';
import { formatFigure } from './figure.tsx';
import { words } from './format.ts';

const RANK = { blocker: 0, warning: 1, ok: 2 } as const;
const LOOK = {
  ok: { icon: IconCheck, word: 'Passed' },
  warning: { icon: IconAlertTriangle, word: 'Warning' },
  blocker: { icon: IconX, word: 'Blocker' },
} as const;

/** Checks, the worst first. A passed one is short; a failed one says its sentence, with the subject, the figure and the threshold. */
export function CheckList({
  checks,
  hidePassed = false,
}: {
  checks: readonly Check[];
  hidePassed?: boolean;
}) {
  const shown = checks
    .filter(({ level }) => !hidePassed || level !== 'ok')
    .toSorted((a, b) => RANK[a.level] - RANK[b.level]);
  return (
    <ul className={classes.list}>
      {shown.map((check) => {
        const { icon: LevelIcon, word } = LOOK[check.level];
        return (
          <li key={`${check.code} ${check.subject.id}`} className={classes.check} data-level={check.level}>
            <LevelIcon size={15} stroke={2.25} aria-label={word} role="img" />
            <span className={classes.text}>
              {check.message}
              <span className={classes.small}>
                {words(check.code)} · {check.subject.type} {check.subject.id}
                {check.figure !== null && ` · ${formatFigure(check.figure, check.unit)}`}
                {check.figure !== null &&
                  check.threshold !== null &&
                  `, threshold ${formatFigure(check.threshold, check.unit)}`}
              </span>
            </span>
          </li>
        );
      })}
    </ul>
  );
}
