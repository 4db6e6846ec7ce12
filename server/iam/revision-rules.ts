import { ControlError } from '#server/http/control-error.ts';

/** Refuses with `precondition_failed` to change another revision than the one that was read. */
export function assertRevision(noun: string, present: number, if_match: number): void {
  if (present === if_match) return;
  throw new ControlError(
    'precondition_failed',
    `The ${noun} is at revision ${present}, you read ${if_match}; read it again and repeat your change.`,
    {
      details: { revision: present },
    },
  );
}
