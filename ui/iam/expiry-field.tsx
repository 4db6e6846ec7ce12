import { TextInput } from '@mantine/core';
import { useState } from 'react';

const HOUR_MS = 3_600_000;

/** A time as `datetime-local` takes it: in the reader's own zone, to the minute. */
const localTime = (time: number): string => {
  const date = new Date(time);
  return new Date(time - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

/** When something ends by itself; null = it lasts. `from` is the end that it has. */
export function ExpiryField({
  from = null,
  onChange,
}: {
  from?: string | null;
  onChange: (iso: string | null) => void;
}) {
  const [earliest] = useState(() => localTime(Date.now() + HOUR_MS));
  // What is typed stays as typed: a year of one digit so far, made into a time and back, would move the minutes.
  const [text, setText] = useState(() => (from === null ? '' : localTime(Date.parse(from))));
  return (
    <TextInput
      type="datetime-local"
      label="Ends"
      description="Left empty, it lasts until it is taken away"
      min={earliest}
      max="9999-12-31T23:59"
      value={text}
      onChange={({ currentTarget: { value: typed } }) => {
        setText(typed);
        onChange(typed === '' ? null : new Date(typed).toISOString());
      }}
    />
  );
}
