import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PlacementStoreError } from '#server/scale/placement-store.ts';
import { describePlacementStore, placementRecord } from '#server/scale/placement-store.conformance.ts';
import { openPlacementFileStore } from './placement-file-store.ts';
import { placementFileError } from './sqlite-error.ts';

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'placement-'));

describePlacementStore('a placement file', async () => {
  const folder = await newFolder();
  const path = join(folder, 'placement-dev.db');
  return {
    open: async () => openPlacementFileStore(path),
    openWithHistoryOf: async (historyLimit) => openPlacementFileStore(path, { historyLimit }),
    dropOldChanges: async () => undefined,
    replace: async () => {
      for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true });
    },
    dispose: () => rm(folder, { recursive: true }),
  };
});

describe('a placement file', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await newFolder();
    path = join(folder, 'deeper', 'placement-dev.db');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is opened by several processes at once, none of which loses an update', async () => {
    const script = `
      import { openPlacementFileStore } from ${JSON.stringify(join(import.meta.dirname, 'placement-file-store.ts'))};
      const store = openPlacementFileStore(${JSON.stringify(path)});
      for (let done = 0; done < 20;) {
        const entry = await store.get('aggregate.acme');
        const record = { ...${JSON.stringify(placementRecord({ epoch: 0 }))}, epoch: (entry?.record.epoch ?? 0) + 1 };
        try { await store.update(record, entry?.revision ?? 0); done += 1; }
        catch (error) { if (error.name !== 'PlacementConflictError') throw error; }
      }
      await store.close();`;
    const start = (): Promise<unknown> =>
      promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
        cwd: import.meta.dirname,
      });
    await Promise.all([start(), start(), start()]);
    const store = openPlacementFileStore(path);
    expect((await store.get('aggregate.acme'))?.record.epoch).toBe(60);
    await store.close();
  });

  it('names the folder that it cannot create', async () => {
    await writeFile(join(folder, 'deeper'), 'a file where a folder should be');
    expect(() => openPlacementFileStore(path)).toThrow(
      expect.objectContaining({
        code: 'not_writable',
        message: expect.stringContaining(join(folder, 'deeper')),
      }),
    );
  });

  it('says that a file which SQLite may not open is not writable', async () => {
    expect(() => openPlacementFileStore(folder)).toThrow(expect.objectContaining({ code: 'not_writable' }));
  });

  it('refuses a file that is no database, and leaves it as it was', async () => {
    const text = 'not a database, but long enough to be read as the header of one: '.repeat(20);
    const file = join(folder, 'rubbish.db');
    await writeFile(file, text);
    expect(() => openPlacementFileStore(file)).toThrow(
      expect.objectContaining({
        code: 'corrupt',
        message: expect.stringMatching(/rubbish\.db.*move it aside/),
      }),
    );
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('refuses the database of something else', () => {
    const file = join(folder, 'other.db');
    const other = new DatabaseSync(file);
    other.exec('CREATE TABLE invoices (id INTEGER)');
    other.close();
    expect(() => openPlacementFileStore(file)).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });

  it('names the key of a record that was spoilt, and serves the others', async () => {
    const store = openPlacementFileStore(path);
    await store.putMany([placementRecord(), placementRecord({ tenant_id: 'other' })]);
    const meddler = new DatabaseSync(path);
    meddler.exec(`UPDATE placements SET record = '{"tenant_id":"acme"}' WHERE key = 'aggregate.acme'`);
    meddler.close();
    await expect(store.get('aggregate.acme')).rejects.toThrow(/aggregate\.acme.*service/);
    expect((await store.get('aggregate.other'))?.record.tenant_id).toBe('other');
    await store.close();
  });

  it('fails a watch that comes to a hole in the change log, instead of skipping it', async () => {
    const store = openPlacementFileStore(path);
    await store.putMany(
      Array.from({ length: 5 }, (_, index) => placementRecord({ tenant_id: `tenant-${index}` })),
    );
    const meddler = new DatabaseSync(path);
    meddler.exec('DELETE FROM changes WHERE revision = 3');
    meddler.close();
    const revisions: number[] = [];
    const watching = (async () => {
      for await (const event of store.watch(0, new AbortController().signal)) revisions.push(event.revision);
    })();
    await expect(watching).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('revision 2'),
    });
    expect(revisions).toEqual([1, 2]);
    await store.close();
  });

  it('says that the disk is full', () => {
    const full = new DatabaseSync(join(folder, 'full.db'));
    full.exec('PRAGMA max_page_count = 2; CREATE TABLE t (x)');
    try {
      full.exec('INSERT INTO t VALUES (zeroblob(100000))');
      expect.unreachable('the database has no room');
    } catch (error) {
      const translated = placementFileError('/data/placement-dev.db', error);
      expect(translated).toBeInstanceOf(PlacementStoreError);
      expect(translated).toMatchObject({
        code: 'full',
        message: expect.stringContaining('/data/placement-dev.db'),
      });
    } finally {
      full.close();
    }
  });

  it('keeps the change log bounded', async () => {
    const store = openPlacementFileStore(path, { historyLimit: 100 });
    await store.putMany(
      Array.from({ length: 5_000 }, (_, index) => placementRecord({ tenant_id: `tenant-${index}` })),
    );
    await store.close();
    const database = new DatabaseSync(path);
    expect(database.prepare('SELECT count(*) AS kept FROM changes').get()).toEqual({ kept: 100 });
    database.close();
  });
});
