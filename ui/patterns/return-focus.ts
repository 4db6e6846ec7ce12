import { useEffect, useState } from 'react';

export const focusedElement = (): HTMLElement | null => document.activeElement as HTMLElement | null;

/** Gives the focus back to where it was, unless it has gone elsewhere meanwhile. Waits until the dialog is gone: its focus trap lets nothing out before. */
export function giveFocusBack(origin: HTMLElement | null): void {
  setTimeout(() => {
    const lost = document.activeElement === null || document.activeElement === document.body;
    if (origin?.isConnected && lost) origin.focus({ preventScroll: true });
  });
}

/** Gives the focus back when a dialog that is mounted while it is open goes away. */
export function useReturnFocus(): void {
  const [origin] = useState(focusedElement);
  useEffect(() => () => giveFocusBack(origin), [origin]);
}
