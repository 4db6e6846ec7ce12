/** One alert: what it says, of what, where to look, and its runbook. */
import { Drawer } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import type { Alert } from '#contract/observability.ts';
import { NODE_KINDS, type NodeKind } from '#contract/placement-record.ts';
import { Properties, Property } from '#ui/patterns/panel.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { Section } from '#ui/patterns/section.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './alert-drawer.module.css';
import { tellingLabels } from './alert-rules.ts';
import { OUTSIDE } from './observability-links.tsx';

const Runbook = lazy(async () => ({ default: (await import('./runbook.tsx')).Runbook }));

const isNodeKind = (kind: string | null): kind is NodeKind =>
  (NODE_KINDS as readonly (string | null)[]).includes(kind);

export function AlertDrawer({
  alert,
  environment,
  onClose,
}: {
  alert: Alert | undefined;
  environment: string;
  onClose: () => void;
}) {
  return (
    <Drawer
      opened={alert !== undefined}
      onClose={onClose}
      title={alert?.name}
      size={600}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {alert && <AlertDetails alert={alert} environment={environment} />}
    </Drawer>
  );
}

function AlertDetails({ alert, environment }: { alert: Alert; environment: string }) {
  const { state, severity, silenced, summary, active_since, service, labels, runbook, dashboard_url } = alert;
  const tenant_id = labels['tenant_id'];
  const node_id = labels['instance'];
  return (
    <div className={classes.details}>
      <p className={classes.summary}>{summary}</p>
      <Properties>
        <Property name="State">
          <span className={classes.states}>
            <StatusPill of="alert" status={state} /> <StatusPill of="severity" status={severity} />
            {silenced && 'silenced'}
          </span>
        </Property>
        <Property name="Since">
          <RelativeTime iso={active_since} />
        </Property>
        {tellingLabels(alert).map(([name, text]) => (
          <Property key={name} name={name}>
            <span className={classes.label}>{text}</span>
          </Property>
        ))}
      </Properties>
      <Section title="Where to look">
        <ul className={classes.ways}>
          <li>
            <Link
              to="/observability/triage"
              search={{
                env: environment,
                ...(tenant_id ? { tenant: tenant_id } : isNodeKind(service) && { service }),
              }}
            >
              Triage {tenant_id ?? (isNodeKind(service) ? service : environment)}
            </Link>
          </li>
          {isNodeKind(service) && node_id !== undefined && (
            <li>
              <Link
                to="/scale/nodes/$node_id/observability"
                params={{ node_id }}
                search={{ env: environment }}
              >
                Node {node_id}
              </Link>
            </li>
          )}
          {dashboard_url !== null && (
            <li>
              <a href={dashboard_url} {...OUTSIDE}>
                Dashboard <IconExternalLink size={14} aria-label="Opens in a new tab" />
              </a>
            </li>
          )}
        </ul>
      </Section>
      {runbook !== null && (
        <Section title="Runbook">
          <Suspense fallback={<p role="status">Loading…</p>}>
            <Runbook path={runbook} />
          </Suspense>
        </Section>
      )}
    </div>
  );
}
