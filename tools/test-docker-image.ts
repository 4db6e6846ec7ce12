/** The image that test services run: this machine's Node and shell with the libraries they need. Nothing is downloaded for it. */
import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';

const run = promisify(execFile);

/** Where nobody listens: the engine asks a registry first, and is to hear at once that there is none. */
const REPOSITORY = '127.0.0.1:1/platform';

/**
 * Images of one file system and different commands; the file `/variant` holds the name. `platform` and `next` run until they are told to stop, `broken` fails at once,
 * `fading` fails after three seconds.
 */
export const TEST_IMAGES = {
  platform: `${REPOSITORY}:1`,
  next: `${REPOSITORY}:2`,
  broken: `${REPOSITORY}:broken`,
  fading: `${REPOSITORY}:fading`,
} as const;

const COMMANDS: Record<keyof typeof TEST_IMAGES, string[]> = {
  platform: ['sh', '-c', 'trap "exit 0" TERM; sleep 100000 & wait'],
  next: ['sh', '-c', 'trap "exit 0" TERM; sleep 200000 & wait'],
  broken: ['sh', '-c', 'exit 7'],
  fading: ['sh', '-c', 'sleep 3; exit 8'],
};

/** Gives an engine the images of TEST_IMAGES, in a second or two. */
export async function importTestImages(docker: Docker): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'control-image-'));
  try {
    await fillRoot(join(work, 'root'));
    const answer = await docker.importImage(pack(join(work, 'root')), { repo: REPOSITORY, tag: 'root' });
    await whole(docker, answer);
    for (const [name, command] of Object.entries(COMMANDS)) {
      const folder = join(work, name);
      await mkdir(folder);
      await writeFile(join(folder, 'variant'), `${name}\n`);
      await writeFile(
        join(folder, 'Dockerfile'),
        `FROM ${REPOSITORY}:root\nCOPY variant /variant\nCMD ${JSON.stringify(command)}\n`,
      );
      await whole(
        docker,
        await docker.buildImage(pack(folder), { t: TEST_IMAGES[name as keyof typeof TEST_IMAGES] }),
      );
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fillRoot(root: string): Promise<void> {
  const programs = {
    'bin/node': await realpath(process.execPath),
    'bin/sh': '/bin/sh',
    'bin/sleep': '/bin/sleep',
  };
  const libraries = await Promise.all(Object.values(programs).map(librariesOf));
  for (const folder of ['tmp', 'etc', 'proc', 'sys', 'dev'])
    await mkdir(join(root, folder), { recursive: true });
  const copies = [...Object.entries(programs), ...new Set(libraries.flat())].map((entry) =>
    typeof entry === 'string' ? ([entry, entry] as const) : entry,
  );
  for (const [target, source] of copies) {
    await mkdir(dirname(join(root, target)), { recursive: true });
    await copyFile(source, join(root, target));
  }
}

async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program]);
  return stdout.match(/\/\S+/g) ?? [];
}

function pack(folder: string): NodeJS.ReadableStream {
  return spawn('tar', ['--directory', folder, '--create', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
    .stdout;
}

/** Reads the engine's progress to its end; a failure is told there, and not by the answer's status. */
async function whole(docker: Docker, answer: NodeJS.ReadableStream): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(answer, (error: Error | null, lines: { error?: string }[]) => {
      const failed = error?.message ?? lines.find((line) => line.error)?.error;
      if (failed === undefined) resolve();
      else reject(new Error(`The test image could not be made: ${failed}`));
    });
  });
}
