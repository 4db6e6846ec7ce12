import { sparkPath } from './spark-rules.ts';

export const SPARK_WIDTH = 72;
export const SPARK_HEIGHT = 20;

/** The run of a figure, from 0 to its greatest; the figure itself stands beside it. One path: a table has dozens. */
export const Sparkline = ({ values }: { values: readonly (number | null)[] }) => (
  <svg width={SPARK_WIDTH} height={SPARK_HEIGHT} aria-hidden>
    <path
      d={sparkPath(values, SPARK_WIDTH, SPARK_HEIGHT)}
      fill="none"
      stroke="var(--accent)"
      strokeWidth={1.25}
      strokeLinejoin="round"
      strokeLinecap="round"
    />
  </svg>
);
