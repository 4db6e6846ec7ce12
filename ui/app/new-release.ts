/**
 * A tab that has been open for long asks for parts of a release that the server no longer has. It is then loaded again: once, because
 * only a page whose entry differs from the server's is, and never under an open dialog, whose text would be lost.
 */
const ENTRY = /\/assets\/index-[\w-]+\.js/;

const entryHere = (): string | undefined =>
  [...document.scripts].map(({ src }) => ENTRY.exec(src)?.[0]).find((entry) => entry !== undefined);

/** Whether the server has another release than the one that runs here; a server that does not answer has none. */
async function isReplaced(): Promise<boolean> {
  try {
    const answer = await fetch('/', { headers: { accept: 'text/html' }, cache: 'no-store' });
    const served = ENTRY.exec(await answer.text())?.[0];
    return answer.ok && served !== undefined && served !== entryHere();
  } catch {
    return false;
  }
}

/** Watches for parts that cannot be loaded. What failed still throws, so that an honest error stands where nothing can be mended. */
export function reloadOnNewRelease(): void {
  const mend = async () => {
    const replaced = await isReplaced();
    if (replaced && document.querySelector('[role="dialog"]') === null) location.reload();
  };
  window.addEventListener('vite:preloadError', () => void mend());
}
