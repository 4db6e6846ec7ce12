/** A runbook of the documentation, bundled with this build, so that it is there when little else is. */
import { useQuery } from '@tanstack/react-query';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { inlineParts, runbookBlocks } from './runbook-rules.ts';
import classes from './runbook.module.css';

const RUNBOOKS = import.meta.glob<string>('../../docs/runbooks/*.md', { query: '?raw', import: 'default' });

export function Runbook({ path }: { path: string }) {
  const load = RUNBOOKS[`../../${path}`];
  const { data, error, refetch } = useQuery({
    queryKey: ['runbook', path],
    queryFn: () => load?.(),
    enabled: load !== undefined,
    staleTime: Infinity,
  });
  if (!load)
    return (
      <p>
        It stands in the documentation: <code>{path}</code>
      </p>
    );
  if (error) return <ProblemAlert error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <p role="status">Loading…</p>;
  return (
    <div className={classes.runbook}>
      {runbookBlocks(data).map((block, index) =>
        block.kind === 'heading' ? (
          <h4 key={index}>{block.text}</h4>
        ) : block.kind === 'list' ? (
          <ul key={index}>
            {block.items.map((item) => (
              <li key={item}>
                <Inline text={item} />
              </li>
            ))}
          </ul>
        ) : (
          <p key={index}>
            <Inline text={block.text} />
          </p>
        ),
      )}
    </div>
  );
}

const Inline = ({ text }: { text: string }) =>
  inlineParts(text).map(({ mark, words }, index) =>
    mark === 'strong' ? (
      <strong key={index}>{words}</strong>
    ) : mark === 'em' ? (
      <em key={index}>{words}</em>
    ) : mark === 'code' ? (
      <code key={index}>{words}</code>
    ) : (
      words
    ),
  );
