import { IconAlertTriangle } from '@tabler/icons-react';
import type { Answer } from '#contract/observability.ts';
import { useNow } from '#ui/patterns/clock.ts';
import { formatAgo } from '#ui/patterns/format.ts';
import { Hint } from '#ui/patterns/hint.tsx';
import { exactTime } from '#ui/patterns/relative-time.tsx';
import text from '#ui/patterns/text.module.css';
import classes from './answer-age.module.css';
import { CHARTS_REFETCH_MS } from './observability-queries.ts';

/** Where answers came from and how old the oldest of them is; amber when it is older than twice the interval of asking. */
export function AnswerAge({
  answers,
  every_ms = CHARTS_REFETCH_MS,
}: {
  answers: readonly Answer[];
  every_ms?: number;
}) {
  const now = useNow();
  const [oldest] = answers.toSorted((a, b) => a.answered_at.localeCompare(b.answered_at));
  if (!oldest) return null;
  const late = now - Date.parse(oldest.answered_at) > 2 * every_ms + 5_000;
  const slowest = Math.max(...answers.map(({ took_ms }) => took_ms));
  return (
    <Hint
      label={`Answered ${exactTime(oldest.answered_at)}, asked every ${every_ms / 1000} s. The slowest answer took ${Math.round(slowest)} ms.`}
    >
      <span className={`${classes.age} ${late ? text.stale : text.quiet}`}>
        {late && <IconAlertTriangle size={13} aria-label="Stale" />}
        {formatAgo(Date.parse(oldest.answered_at), now)} · {oldest.source}
      </span>
    </Hint>
  );
}
