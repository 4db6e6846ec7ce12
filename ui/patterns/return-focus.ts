import { useEffect, useState } from 'react';

/** What had the focus; for an entry of a menu, which goes away, the button that opened the menu. */
function focused(): HTMLElement | null {
  const active = document.activeElement as HTMLElement | null;
  const opener = active?.closest('[role="menu"]')?.getAttribute('aria-labelledby');
  return opener ? document.getElementById(opener) : active;
}

/** Gives the focus back to where it was when a dialog that is mounted while it is open goes away. */
export function useReturnFocus(): void {
  const [origin] = useState(focused);
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
