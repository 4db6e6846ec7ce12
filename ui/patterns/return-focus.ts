import { useEffect, useState } from 'react';

/** Gives the focus back to where it was when a dialog that is mounted while it is open goes away. */
export function useReturnFocus(): void {
  const [origin] = useState(() => document.activeElement as HTMLElement | null);
  useEffect(
    () => () => {
      // After the dialog is gone: its focus trap lets nothing out before.
      setTimeout(() => {
        if (
          origin?.isConnected &&
          (document.activeElement === null || document.activeElement === document.body)
        )
          origin.focus({ preventScroll: true });
      });
    },
    [origin],
  );
}
