import { PlacementStoreError } from '#server/scale/placement-store.ts';

// Primary result codes of SQLite (the low byte of an extended code).
const READONLY = 8;
const BUSY = 5;
const PERM = 3;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** The store error for a failure of SQLite on the file `path`; another error is handed back as it is. */
export function placementFileError(path: string, error: unknown): unknown {
  const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
  if (errcode === undefined) return error;
  const options = { cause: error };
  switch (errcode) {
    case FULL:
      return new PlacementStoreError(
        'full',
        `no space left to write placement file ${path}; free some space, then repeat`,
        options,
      );
    case READONLY:
    case PERM:
    case CANTOPEN:
      return new PlacementStoreError(
        'not_writable',
        `cannot open placement file ${path} for writing; make the file and its folder writable for this user`,
        options,
      );
    case CORRUPT:
    case NOTADB:
      return corruptPlacementFile(path, 'is damaged or not a placement file', options);
    case BUSY:
      return new PlacementStoreError(
        'unavailable',
        `placement file ${path} is locked by another process; repeat`,
        options,
      );
    default:
      return new PlacementStoreError(
        'unavailable',
        `placement file ${path}: ${(error as Error).message}`,
        options,
      );
  }
}

/** Says which file cannot be trusted and the way out. */
export function corruptPlacementFile(
  path: string,
  what: string,
  options?: ErrorOptions,
): PlacementStoreError {
  return new PlacementStoreError(
    'corrupt',
    `placement file ${path} ${what}; restore it from a backup, or move it aside (with its -wal and -shm files) to start empty`,
    options,
  );
}
