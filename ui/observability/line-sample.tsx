import type { LineLook } from './line-look.ts';

/** A piece of a line, as the chart draws it: the key to its name. */
export const LineSample = ({ look: { color, dashes } }: { look: LineLook }) => (
  <svg width={20} height={8} aria-hidden>
    <line x1={0} x2={20} y1={4} y2={4} stroke={color} strokeWidth={2} strokeDasharray={dashes} />
  </svg>
);
