/** The last log lines of one thing, newest first. */
import { CopyButton } from '#ui/patterns/middle-truncate.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { plural } from '#ui/patterns/format.ts';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { AnswerAge } from './answer-age.tsx';
import { suits, type About } from './chart-rules.ts';
import classes from './log-lines.module.css';
import { isMissing, MissingPart } from './missing-part.tsx';
import { useNamedQueries, useQueryRuns, type PartStatus } from './observability-queries.ts';
import { RANGES, type Range } from './time-range.ts';

const QUERIES = ['recent-errors'] as const;
const BONES = 3;

export function LogLines({
  about,
  range,
  logs,
}: {
  about: About;
  range: Range;
  logs: PartStatus | undefined;
}) {
  const { queries, error: unknown, refetch } = useNamedQueries(QUERIES);
  const asked = logs && !isMissing(logs) ? (queries?.filter((query) => suits(query, about)) ?? []) : [];
  const [run] = useQueryRuns(asked, about, range);
  const result = run?.result;
  const error = run?.error ?? unknown;
  return (
    <Panel
      title={queries?.[0]?.title ?? 'Recent errors'}
      actions={result && <AnswerAge answers={[result.answer]} />}
    >
      {isMissing(logs) ? (
        <MissingPart compact part={logs} environment={about.environment} />
      ) : queries?.length === 0 || (queries && logs && !run) ? (
        <EmptyState compact title="Logs cannot be narrowed to this" />
      ) : (
        <>
          {error && (
            <ProblemAlert
              error={error}
              tone={result ? 'attention' : 'failing'}
              onRetry={run ? run.retry : () => void refetch()}
            />
          )}
          {!result && !error && (
            <div className={classes.bones} role="status" aria-busy aria-label="Loading">
              {Array.from({ length: BONES }, (_, index) => (
                <span key={index} />
              ))}
            </div>
          )}
          {result?.lines.length === 0 && (
            <EmptyState compact title={`No error was logged in ${RANGES[range].words}`} />
          )}
          {result && result.lines.length > 0 && (
            <ul
              className={classes.lines}
              tabIndex={0}
              aria-label={`${plural(result.lines.length, 'log line')}, newest first`}
            >
              {result.lines.map(({ time, level, text, labels }, index) => (
                <li key={`${time} ${index}`}>
                  <RelativeTime iso={time} />
                  <span className={classes.level} data-level={level}>
                    {level ?? '—'}
                  </span>
                  <span className={classes.from}>{labels['instance'] ?? labels['service'] ?? ''}</span>
                  <code>{text}</code>
                  <CopyButton text={text} label="Copy the line" />
                </li>
              ))}
            </ul>
          )}
          {result && result.dropped > 0 && (
            <p className={classes.dropped}>
              {plural(result.dropped, 'older line')} not shown: narrow the range.
            </p>
          )}
        </>
      )}
    </Panel>
  );
}
