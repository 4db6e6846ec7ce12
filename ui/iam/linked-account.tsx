import type { ReactNode } from 'react';
import type { LinkedIdentity } from '#contract/iam.ts';
import { MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { Tag } from '#ui/patterns/status-pill.tsx';
import classes from './linked-account.module.css';

export const accountName = ({ title, provider_id, email }: LinkedIdentity): string =>
  `${title ?? provider_id}${email === null ? '' : ` · ${email}`}`;

const OPENS = { sign_in: 'signs in', tokens: 'by its tokens' } as const;

/** One account elsewhere: whose it is there, what it opens here, and when that was last used. */
export function LinkedAccount({ account, children }: { account: LinkedIdentity; children: ReactNode }) {
  const { issuer, subject, opens, created_at, last_used_at } = account;
  return (
    <div className={classes.account}>
      <div className={classes.what}>
        <div className={classes.head}>
          <span className={classes.name}>{accountName(account)}</span>
          {opens.map((use) => (
            <Tag key={use}>{OPENS[use]}</Tag>
          ))}
          {opens.length === 0 && <Tag tone="attention">not configured</Tag>}
        </div>
        <div className={classes.subject}>
          <MiddleTruncate text={subject} keep={12} label="Copy subject" />
          <span className={classes.small} title={issuer}>
            at {issuer.replace(/^https?:\/\//, '')}
          </span>
        </div>
        <div className={classes.small}>
          linked <RelativeTime iso={created_at} /> ·{' '}
          {last_used_at === null ? (
            'never used'
          ) : (
            <>
              used <RelativeTime iso={last_used_at} />
            </>
          )}
        </div>
      </div>
      {children}
    </div>
  );
}
