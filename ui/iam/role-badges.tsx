import { Tooltip } from '@mantine/core';
import classes from './role-badges.module.css';
import { scopeText, type Scope } from './scope-label.tsx';

type GivenRole = Scope & { role_id: string };

const isLimited = ({ tenant_id, environment }: Scope) => tenant_id !== null || environment !== null;

/** The roles of a user as badges, each with its scope where it does not apply everywhere; the rest behind "+2". */
export function RoleBadges({
  roles,
  most = 2,
  none = 'May sign in, and do nothing',
}: {
  roles: readonly GivenRole[];
  most?: number;
  /** What it means to have no role. */
  none?: string;
}) {
  if (roles.length === 0)
    return (
      <Tooltip label={none}>
        <span className={classes.none}>no role</span>
      </Tooltip>
    );
  const shown = roles.slice(0, most);
  const rest = roles.slice(most);
  return (
    <span className={classes.badges}>
      {shown.map((role) => (
        <span key={`${role.role_id} ${scopeText(role)}`} className={classes.badge}>
          {role.role_id}
          {isLimited(role) && <span className={classes.scope}>{scopeText(role)}</span>}
        </span>
      ))}
      {rest.length > 0 && (
        <Tooltip label={rest.map((role) => `${role.role_id}, ${scopeText(role)}`).join('; ')}>
          <span className={classes.more}>+{rest.length}</span>
        </Tooltip>
      )}
    </span>
  );
}
