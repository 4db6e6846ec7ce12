import { Outlet } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { loadToasts, useToastsWanted } from '#ui/patterns/toaster.ts';

const Toasts = lazy(async () => ({ default: (await loadToasts()).Notifications }));

/** What every page has, signed in or not. Toasts stand inside the router, because they link to jobs. */
export function Root() {
  const toasts = useToastsWanted();
  return (
    <>
      <Outlet />
      {toasts && (
        <Suspense fallback={null}>
          <Toasts position="bottom-right" limit={4} transitionDuration={120} />
        </Suspense>
      )}
    </>
  );
}
