import { IconAlertTriangle, IconCircleX } from '@tabler/icons-react';
import { Link, type LinkProps } from '@tanstack/react-router';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { Tag } from '#ui/patterns/status-pill.tsx';
import classes from './broken-panel.module.css';
import type { Finding } from './overview-rules.ts';
import { Quiet, QuietSkeleton } from './quiet.tsx';

/** Where one goes to look into it. */
function address({ subject, environment }: Finding): Pick<LinkProps, 'to' | 'params' | 'search'> {
  const env = environment === null ? {} : { env: environment };
  switch (subject.type) {
    case 'job':
      return { to: '/jobs/$job_id', params: { job_id: subject.id } };
    case 'node':
      return { to: '/scale/nodes/$node_id', params: { node_id: subject.id }, search: env };
    case 'host':
      return { to: '/scale/hosts/$host_id', params: { host_id: subject.id }, search: env };
    case 'service':
      return { to: '/scale/services/$service_id', params: { service_id: subject.id }, search: env };
    case 'orchestrator':
      return { to: '/scale/services', search: env };
    case 'environment':
      return { to: '/scale/nodes', search: env };
    case 'alert':
      return { to: '/observability/alerts', search: { ...env, alert: subject.id } };
    case 'connections':
      return { to: '/observability/connections', search: env };
    case 'tenants':
      return { to: '/tenants', search: { status: subject.id } };
  }
}

const SHOWN = 8;

export function BrokenPanel({
  findings,
  loading,
  failed,
  quiet,
  notSeen,
}: {
  findings: readonly Finding[];
  loading: boolean;
  /** What could not be read: nothing can be said of it. */
  failed: readonly { name: string; error: unknown; retry: () => void }[];
  /** What the good answer rests on. */
  quiet: readonly string[];
  /** Why a part of the answer is missing. */
  notSeen: readonly string[];
}) {
  const failing = findings.filter(({ tone }) => tone === 'failing').length;
  const attention = findings.length - failing;
  return (
    <Panel
      title={
        <>
          Is anything broken?
          {failing > 0 && <Tag tone="failing">{failing} failing</Tag>}
          {attention > 0 && <Tag tone="attention">{attention} to look at</Tag>}
        </>
      }
    >
      {failed[0] && (
        <ProblemAlert error={failed[0].error} onRetry={() => failed.forEach(({ retry }) => retry())}>
          <p>Not known now: {failed.map(({ name }) => name).join(', ')}.</p>
        </ProblemAlert>
      )}
      {loading && failed.length === 0 && <QuietSkeleton />}
      {findings.length > 0 && (
        <ul className={classes.findings}>
          {findings.slice(0, SHOWN).map((finding) => (
            <li key={finding.id}>
              <Link {...(address(finding) as LinkProps)} className={classes.finding} data-tone={finding.tone}>
                {finding.tone === 'failing' ? (
                  <IconCircleX size={16} aria-label="Failing" />
                ) : (
                  <IconAlertTriangle size={16} aria-label="Needs a look" />
                )}
                <span className={classes.text}>
                  <span className={classes.title}>{finding.title}</span>
                  {finding.detail && <span className={classes.detail}>{finding.detail}</span>}
                </span>
                {finding.since !== null && <RelativeTime iso={finding.since} />}
              </Link>
            </li>
          ))}
        </ul>
      )}
      {findings.length > SHOWN && (
        <p className={classes.notSeen}>
          And {findings.length - SHOWN} more:{' '}
          {findings
            .slice(SHOWN)
            .map(({ subject }) => subject.id)
            .join(', ')}
        </p>
      )}
      {!loading && failed.length === 0 && findings.length === 0 && (
        <Quiet title="Nothing" mark>
          {quiet.join(', ')}
        </Quiet>
      )}
      {notSeen.length > 0 && !loading && (
        <p className={classes.notSeen} title={notSeen.join('\n')}>
          You do not see everything: some of it needs permissions that you do not hold.
        </p>
      )}
    </Panel>
  );
}
