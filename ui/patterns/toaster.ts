/** Toasts are rare, so what draws them is loaded with the first one. */
import type { NotificationData } from '@mantine/notifications';
import { useSyncExternalStore } from 'react';

let wanted = false;
const listeners = new Set<() => void>();

export const loadToasts = () => import('@mantine/notifications');

export function showToast(toast: NotificationData): void {
  wanted = true;
  for (const listener of listeners) listener();
  void loadToasts().then(({ notifications }) =>
    notifications.show({ closeButtonProps: { 'aria-label': 'Dismiss' }, ...toast }),
  );
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
};

/** Whether there has been a toast, so that the place for them has to be there. */
export const useToastsWanted = (): boolean => useSyncExternalStore(subscribe, () => wanted);
