/** Ways from one part of the fleet to another, within its environment. */
import { Link } from '@tanstack/react-router';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import classes from './fleet.module.css';

interface Way {
  environment: string;
  className?: string | undefined;
  children: React.ReactNode;
}

export function ServiceLink({
  service_id,
  environment,
  className = classes.link,
  children,
}: Way & { service_id: string }) {
  return (
    <Link
      to="/scale/services/$service_id"
      params={{ service_id }}
      search={{ env: environment }}
      className={className}
    >
      {children}
    </Link>
  );
}

export function HostLink({
  host_id,
  environment,
  className = classes.link,
  children,
}: Way & { host_id: string }) {
  return (
    <Link to="/scale/hosts/$host_id" params={{ host_id }} search={{ env: environment }} className={className}>
      {children}
    </Link>
  );
}

export function NodeLink({
  node_id,
  environment,
  className = classes.link,
  children,
}: Omit<Way, 'children'> & { node_id: string; children?: React.ReactNode }) {
  return (
    <Link to="/scale/nodes/$node_id" params={{ node_id }} search={{ env: environment }} className={className}>
      {children ?? <Mono>{node_id}</Mono>}
    </Link>
  );
}
