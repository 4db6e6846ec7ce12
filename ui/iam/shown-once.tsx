import { CopyButton as MantineCopy, Button } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useId } from 'react';
import classes from './shown-once.module.css';

/** A value to hand over now, whole and copied with one click; `secret` marks one that is never shown again. */
export function ShownOnce({
  label,
  value,
  secret = false,
}: {
  label: string;
  value: string;
  secret?: boolean;
}) {
  const id = useId();
  return (
    <div>
      <p id={id} className={classes.label}>
        {label}
      </p>
      <div className={classes.row} data-secret={secret || undefined}>
        <code className={classes.value} aria-labelledby={id} role="group">
          {value}
        </code>
        <MantineCopy value={value}>
          {({ copied, copy }) => (
            <Button
              variant="default"
              size="xs"
              aria-label={`Copy ${label.toLowerCase()}`}
              leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
              onClick={copy}
            >
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </MantineCopy>
      </div>
    </div>
  );
}
