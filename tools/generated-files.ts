import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Writes generated files (path from the repository's root → text), or with `check` prints how the committed
 * ones differ. Returns false when `check` found one stale.
 */
export async function updateGenerated(
  files: Record<string, string>,
  { check }: { check: boolean },
): Promise<boolean> {
  let upToDate = true;
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, path);
    const committed = await readFile(file, 'utf8').catch(() => undefined);
    if (committed === text) continue;
    if (check) {
      upToDate = false;
      console.error(`${path} is stale: run "npm run generate" and commit the result.`);
      console.error(await difference(committed ?? '', text, basename(path)));
    } else {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      console.log(`${path} written`);
    }
  }
  return upToDate;
}

/** Git is the one diff tool every checkout has. */
async function difference(before: string, after: string, name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'control-diff-'));
  try {
    await writeFile(join(folder, `committed-${name}`), before);
    await writeFile(join(folder, `generated-${name}`), after);
    const args = ['diff', '--no-index', '--no-color', `committed-${name}`, `generated-${name}`];
    return spawnSync('git', args, { cwd: folder, encoding: 'utf8' }).stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
