import { useState } from 'react';
import { ProblemError } from '#ui/api/errors.ts';

interface Version<T> {
  data: T;
  etag: string;
}

/**
 * A form over a versioned resource. It keeps the version that it began with, so that the page may refresh beneath it; after a 412 it
 * meets the new version, and goes on from there.
 */
export function useVersionedForm<T, F>(opened: Version<T>, latest: Version<T>, fieldsOf: (data: T) => F) {
  const [base, setBase] = useState(opened);
  const [fields, setFields] = useState(() => fieldsOf(opened.data));
  const rebase = () => setBase(latest);
  return {
    base,
    fields,
    change: (changes: Partial<F>) => setFields((before) => ({ ...before, ...changes })),
    /** The new version has been read and is another one. */
    isNewer: latest.etag !== base.etag,
    /** What was typed, on top of the new version. */
    keep: rebase,
    /** The new version as it is. */
    discard: () => {
      rebase();
      setFields(fieldsOf(latest.data));
    },
  };
}

export const isConflict = (error: unknown): boolean =>
  error instanceof ProblemError && error.code === 'precondition_failed';
