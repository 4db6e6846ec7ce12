/** The last log lines of one thing, newest first. */
import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
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

/** The first is shown first. */
const QUERIES = ['recent-errors', 'recent-logs'] as const;
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
  const [chosen, choose] = useState<string>(QUERIES[0]);
  const suiting = queries?.filter((query) => suits(query, about)) ?? [];
  const asked = isMissing(logs) ? [] : suiting.filter(({ name }) => name === chosen);
  const [run] = useQueryRuns(asked, about, range);
  const result = run?.result;
  const error = run?.error ?? unknown;
  return (
    <Panel
      title="Log lines"
      actions={
        <>
          {result && <AnswerAge answers={[result.answer]} />}
          {suiting.length > 1 && !isMissing(logs) && (
            <SegmentedControl
              size="xs"
              aria-label="Which lines"
              value={chosen}
              onChange={choose}
              data={suiting.map(({ name, title }) => ({ value: name, label: title }))}
            />
          )}
        </>
      }
    >
      {isMissing(logs) ? (
        <MissingPart compact part={logs} environment={about.environment} />
      ) : queries && !run ? (
        <EmptyState
          compact
          title="Log lines are not told apart by node"
          hint="Those of all its nodes stand on the page of its service."
        />
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
            <EmptyState compact title={`No such line in ${RANGES[range].words}`} />
          )}
          {result && result.lines.length > 0 && (
            <ul
              className={classes.lines}
              // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keyboard
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
