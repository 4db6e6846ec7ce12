import { Select } from '@mantine/core';
import { useNow } from '#ui/patterns/clock.ts';

const LIFETIMES = [7, 30, 90, 180, 365] as const;
const DAY_MS = 24 * 3600_000;

/** In how many days a token expires. */
export function TokenLife({
  days,
  onChange,
  error,
}: {
  days: number;
  onChange: (days: number) => void;
  error?: string | undefined;
}) {
  const now = useNow();
  return (
    <Select
      label="Expires"
      description={`On ${new Date(now + days * DAY_MS).toISOString().slice(0, 10)}`}
      data={LIFETIMES.map((count) => ({ value: String(count), label: `in ${count} days` }))}
      value={String(days)}
      onChange={(value) => onChange(Number(value ?? days))}
      allowDeselect={false}
      error={error}
    />
  );
}
