import { UnstyledButton } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { Hint } from './hint.tsx';
import classes from './text.module.css';

/** A copy button that says so when it has copied. `always`: visible without hovering over its neighbour. */
export function CopyButton({
  text,
  label = 'Copy',
  always = false,
}: {
  text: string;
  label?: string;
  always?: boolean;
}) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = (event: React.MouseEvent) => {
    event.stopPropagation();
    event.preventDefault();
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <Hint label={copied ? 'Copied' : label}>
      <UnstyledButton
        className={classes.copy}
        onClick={copy}
        aria-label={label}
        data-always={always || undefined}
        data-copied={copied || undefined}
      >
        {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
      </UnstyledButton>
    </Hint>
  );
}

/** The text with its middle left out when it is longer than `keep` at both ends. */
export const middleTruncated = (text: string, keep: number): string =>
  text.length <= keep * 2 + 1 ? text : `${text.slice(0, keep)}…${text.slice(-keep)}`;

/** An id or hash in the mono face, truncated in the middle (the whole on hover), copied with one click. */
export function MiddleTruncate({
  text,
  keep = 6,
  copy = true,
  label = 'Copy',
}: {
  text: string;
  /** Characters kept at each end. */
  keep?: number;
  copy?: boolean;
  label?: string;
}) {
  const short = middleTruncated(text, keep);
  return (
    <span className={classes.copyable}>
      {short === text ? (
        <span className={classes.mono}>{text}</span>
      ) : (
        <Hint label={<span className={classes.mono}>{text}</span>}>
          <span className={classes.mono}>{short}</span>
        </Hint>
      )}
      {copy && <CopyButton text={text} label={label} />}
    </span>
  );
}

/** Text in the mono face: ids, subjects, code. */
export const Mono = ({ children }: { children: React.ReactNode }) => (
  <span className={classes.mono}>{children}</span>
);
