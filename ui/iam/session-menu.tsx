/** What belongs to the signed-in person: who they are, which roles they hold, changing the password, signing out. */
import { Menu } from '@mantine/core';
import { IconKey, IconLogout, IconUser } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { logout } from '#contract/iam.ts';
import { call } from '#ui/api/client.ts';
import { useMe } from '#ui/api/queries.ts';
import { ChangePasswordDialog } from './change-password-dialog.tsx';
import { ScopeLabel } from './scope-label.tsx';
import classes from './session-menu.module.css';

/** Ends this session and loads the sign-in page afresh, so that nothing of it stays in memory. */
const signOut = async () => {
  try {
    await call(logout);
  } finally {
    location.assign('/sign-in?why=signed_out');
  }
};

/** The menu of the header. `children` is the button that opens it; `items` come before changing the password (theme and the like). */
export function SessionMenu({ children, items }: { children: ReactNode; items?: ReactNode }) {
  const signedIn = useMe();
  const [changing, setChanging] = useState(false);
  const leave = useMutation({ mutationFn: signOut, networkMode: 'always' });
  const user = signedIn.data?.user;
  return (
    <>
      <Menu width={280} withInitialFocusPlaceholder={false}>
        <Menu.Target>{children}</Menu.Target>
        <Menu.Dropdown>
          {user && (
            <div className={classes.who}>
              <p className={classes.name}>{user.display_name}</p>
              <p className={classes.email}>{user.email}</p>
              <ul className={classes.roles} aria-label="Your roles">
                {signedIn.data?.grants.map((grant) => (
                  <li key={`${grant.role_id} ${grant.tenant_id} ${grant.environment}`}>
                    <span>{grant.role_id}</span> <ScopeLabel scope={grant} />
                  </li>
                ))}
              </ul>
            </div>
          )}
          <Menu.Divider />
          {items}
          <Menu.Item
            leftSection={<IconUser size={16} />}
            renderRoot={(props) => <Link {...props} to="/account" />}
          >
            My account
          </Menu.Item>
          <Menu.Item leftSection={<IconKey size={16} />} onClick={() => setChanging(true)}>
            Change password…
          </Menu.Item>
          <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => leave.mutate()}>
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ChangePasswordDialog opened={changing} onClose={() => setChanging(false)} />
    </>
  );
}
