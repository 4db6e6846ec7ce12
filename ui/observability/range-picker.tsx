import { SegmentedControl } from '@mantine/core';
import { RANGE_NAMES, RANGES, type Range } from './time-range.ts';

const CHOICES = RANGE_NAMES.map((value) => ({ value, label: RANGES[value].label }));

/** How far back the charts go. */
export const RangePicker = ({ range, onChange }: { range: Range; onChange: (range: Range) => void }) => (
  <SegmentedControl
    size="xs"
    aria-label="Time range"
    value={range}
    onChange={(value) => onChange(value)}
    data={CHOICES}
  />
);
