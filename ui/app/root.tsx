import { Notifications } from '@mantine/notifications';
import { Outlet } from '@tanstack/react-router';

/** What every page has, signed in or not. Toasts stand inside the router, because they link to jobs. */
export function Root() {
  return (
    <>
      <Outlet />
      <Notifications position="bottom-right" limit={4} transitionDuration={120} />
    </>
  );
}
