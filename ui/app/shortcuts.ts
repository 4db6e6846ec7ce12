/** Keys that work everywhere: Ctrl/Cmd-K, `/`, `?`, and `g` followed by a letter. Never while somebody types or a dialog is open. */
import { useEffect } from 'react';

const SEQUENCE_MS = 1_200;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));

const isDialogOpen = (): boolean => document.querySelector('[role="dialog"][aria-modal="true"]') !== null;

export interface Shortcuts {
  openPalette: () => void;
  openHelp: () => void;
  /** Goes to the page with this letter; answers whether there is one. */
  goTo: (key: string) => boolean;
}

export function useShortcuts({ openPalette, openHelp, goTo }: Shortcuts): void {
  useEffect(() => {
    let waitingSince = 0;
    const onKeyDown = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k' && !event.altKey) {
        event.preventDefault();
        openPalette();
        return;
      }
      if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target) || isDialogOpen()) return;
      if (event.timeStamp - waitingSince < SEQUENCE_MS && goTo(event.key)) {
        event.preventDefault();
        waitingSince = 0;
      } else if (event.key === 'g') {
        waitingSince = event.timeStamp;
      } else if (event.key === '/') {
        event.preventDefault();
        const search = document.querySelector<HTMLInputElement>('[data-page-search]');
        if (search) search.select();
        else openPalette();
      } else if (event.key === '?') {
        openHelp();
      }
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [openPalette, openHelp, goTo]);
}
