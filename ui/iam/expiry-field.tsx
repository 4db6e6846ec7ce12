import { TextInput } from '@mantine/core';
import { useState } from 'react';

const HOUR_MS = 3_600_000;

/** A time as `datetime-local` takes it: in the reader's own zone, to the minute. */
const localTime = (time: number): string => {
  const date = new Date(time);
  return new Date(time - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

/** When something ends by itself; null = it lasts. */
export function ExpiryField({
  value,
  onChange,
}: {
  value: string | null;
  onChange: (iso: string | null) => void;
}) {
  const [earliest] = useState(() => localTime(Date.now() + HOUR_MS));
  return (
    <TextInput
      type="datetime-local"
      label="Ends"
      description="Left empty, it lasts until it is taken away"
      min={earliest}
      value={value === null ? '' : localTime(Date.parse(value))}
      onChange={({ currentTarget: { value: text } }) =>
        onChange(text === '' ? null : new Date(text).toISOString())
      }
    />
  );
}
