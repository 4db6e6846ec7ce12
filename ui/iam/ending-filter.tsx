import { SegmentedControl } from '@mantine/core';
import type { QueryOf } from '#contract/endpoint.ts';
import type { listAssignments } from '#contract/iam.ts';

export type Ending = 'all' | 'soon' | 'ended';

/** Which assignments, by when they end, and what is said when there are none. */
export const ENDINGS: Record<
  Ending,
  { label: string; query: QueryOf<typeof listAssignments>; none: string }
> = {
  all: { label: 'All', query: {}, none: 'No role yet' },
  soon: {
    label: 'Ends within 7 days',
    query: { ends_within_days: 7, sort: 'expires_at' },
    none: 'None ends within 7 days',
  },
  ended: { label: 'Ended', query: { state: 'expired', sort: '-expires_at' }, none: 'None has ended' },
};

/** Narrows assignments to those that end soon, or have ended. */
export const EndingFilter = ({ value, onChange }: { value: Ending; onChange: (value: Ending) => void }) => (
  <SegmentedControl
    size="xs"
    aria-label="Which, by their end"
    data={Object.entries(ENDINGS).map(([ending, { label }]) => ({ value: ending, label }))}
    value={value}
    onChange={(chosen) => onChange(chosen as Ending)}
  />
);
