/** A part of the stack that is not there: what is missing, and how to connect it. Never an empty chart that looks like nothing happens. */
import { IconPlugConnectedX } from '@tabler/icons-react';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { CopyButton } from '#ui/patterns/middle-truncate.tsx';
import classes from './missing-part.module.css';
import type { PartStatus } from './observability-queries.ts';
import { EMBEDDED_METRICS, PART_WORDS } from './part-words.ts';

/** Whether nothing can be asked of a part. One that does not answer is asked, and the answer says what is wrong. */
export const isMissing = (part: PartStatus | undefined): part is PartStatus =>
  part?.state === 'not_configured';

export function MissingPart({
  part: { part, setting, detail },
  environment,
  compact = false,
}: {
  part: PartStatus;
  environment: string;
  compact?: boolean;
}) {
  const { noun, gives, embedded } = PART_WORDS[part];
  return (
    <EmptyState
      compact={compact}
      icon={<IconPlugConnectedX size={compact ? 22 : 28} stroke={1.5} />}
      title={`No ${noun} is configured for ${environment}`}
      hint={detail ?? `It would give ${gives}.`}
    >
      <div className={classes.ways}>
        <Setting text={setting} label="Copy the setting" />
        {embedded && (
          <>
            or, in the embedded mode, <Setting text={EMBEDDED_METRICS} label="Copy the command" />
          </>
        )}
      </div>
    </EmptyState>
  );
}

/** A setting or a command, to be copied. */
export const Setting = ({ text, label }: { text: string; label: string }) => (
  <span className={classes.setting}>
    <code>{text}</code>
    <CopyButton text={text} label={label} always />
  </span>
);
