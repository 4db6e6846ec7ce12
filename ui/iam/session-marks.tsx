/** What tells a session from others at a glance, beside its device or owner. */
import { IconTerminal2 } from '@tabler/icons-react';
import type { Session } from '#contract/iam.ts';
import { Tag } from '#ui/patterns/status-pill.tsx';
import { CLIENT_NAMES } from './session-words.ts';

export const ThisSession = ({ current }: Pick<Session, 'current'>) =>
  current && <Tag tone="progress">this session</Tag>;

/** Browsers are the rule, so only the other client is named. */
export const ClientTag = ({ client }: Pick<Session, 'client'>) =>
  client === 'cli' && (
    <Tag>
      <IconTerminal2 size={13} aria-hidden /> {CLIENT_NAMES.cli.toLowerCase()}
    </Tag>
  );
