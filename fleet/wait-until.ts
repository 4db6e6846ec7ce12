import { setTimeout as pause } from 'node:timers/promises';

/** For tests: asks again until `read` answers something other than undefined or false. Rejects after `timeoutMs`, naming `what`. */
export async function waitUntil<T>(
  what: string,
  read: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 8_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await pause(5);
  }
}
