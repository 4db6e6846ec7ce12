import { Link, type LinkProps } from '@tanstack/react-router';
import { middleTruncated } from '#ui/patterns/middle-truncate.tsx';
import classes from './target-link.module.css';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-/;

/** The page of a thing by its type and id; null when it has none. */
export function targetAddress(type: string, id: string): Pick<LinkProps, 'to' | 'params' | 'search'> | null {
  switch (type) {
    case 'tenant':
      return { to: '/tenants/$tenant_id', params: { tenant_id: id } };
    case 'user':
      return UUID.test(id) ? { to: '/users/$user_id', params: { user_id: id } } : null;
    case 'role':
      return { to: '/roles/$role_id', params: { role_id: id } };
    case 'job':
      return { to: '/jobs/$job_id', params: { job_id: id } };
    case 'approval':
      return { to: '/approvals/$approval_id', params: { approval_id: id } };
    case 'api_token':
      return { to: '/tokens' };
    case 'node':
      return { to: '/scale/nodes', search: { q: id } };
    default:
      return null;
  }
}

/** What an action was done to: its type, and its id as a link where it has a page. */
export function TargetLink({ type, id }: { type: string; id: string }) {
  const address = targetAddress(type, id);
  const name = UUID.test(id) ? middleTruncated(id, 4) : id;
  return (
    <span className={classes.target} title={id}>
      <span className={classes.type}>{type.replaceAll('_', ' ')}</span>
      {address ? (
        <Link {...(address as LinkProps)} className={classes.link}>
          {name}
        </Link>
      ) : (
        <span className={classes.id}>{name}</span>
      )}
    </span>
  );
}
