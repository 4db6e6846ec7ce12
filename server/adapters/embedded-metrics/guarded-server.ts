/** Runs a server of VictoriaMetrics as a child that ends with this process, however this process ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** A sentence for whoever starts the process. */
export class EmbeddedMetricsError extends Error {}

export interface GuardedServer {
  /** Origin that it listens on. */
  url: string;
  /** Ends it politely and waits; stopping twice does no harm. */
  stop(): Promise<void>;
}

/**
 * The shell stands between: it ends the server when its standard input closes, which also happens when the process that holds the other
 * end is killed. The server alone keeps the error stream open, so the stream's end is the server's.
 */
const GUARD = '"$@" & exec 2>/dev/null; cat; kill -TERM $!; wait $!';
const START_WITHIN_MS = 20_000;

/** Starts the program on a free port of 127.0.0.1; resolves when it listens. What it says goes to the log file, which is written anew. */
export async function startGuardedServer(options: {
  program: string;
  args: readonly string[];
  logFile: string;
}): Promise<GuardedServer> {
  const args = ['-httpListenAddr=127.0.0.1:0', '-loggerTimezone=UTC', ...options.args];
  const guard = spawn('/bin/sh', ['-c', GUARD, 'sh', options.program, ...args], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = once(guard, 'exit');
  const stop = async (): Promise<void> => {
    guard.stdin.end();
    await ended;
  };
  const log = createWriteStream(options.logFile);
  // A full disk costs lines and nothing else.
  log.on('error', () => undefined);
  // The guard may be gone before it is told to be.
  guard.stdin.on('error', () => undefined);
  let trouble = '';
  const lines = createInterface({ input: guard.stderr });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      const fail = (what: string): void =>
        reject(new EmbeddedMetricsError(`${options.program} ${what}: ${trouble || 'it did not say why'}`));
      const timer = setTimeout(
        () => fail(`did not listen within ${START_WITHIN_MS / 1000} s`),
        START_WITHIN_MS,
      );
      lines.on('line', (line) => {
        log.write(`${line}\n`);
        const [, listening] = /started server at (http:\S+?)\/?$/.exec(line) ?? [];
        if (listening) {
          clearTimeout(timer);
          resolve(listening);
        }
        // The first complaint is the cause; what follows is how the program is used.
        if (trouble === '' && !/\t(info|warn)\t/.test(line)) trouble = line.replace(/^.*?\t/, '');
      });
      lines.once('close', () => {
        clearTimeout(timer);
        log.end();
        fail('ended while it started');
      });
    });
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
