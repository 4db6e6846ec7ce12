/**
 * Recovery codes: a way in for who has lost every other second factor. Ten of 120 random bits each, so that a plain sha-256 keeps them
 * (ASVS 5.0 6.5.2 asks for a password hash below 112 bits only). Each works once.
 */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Tx } from '#server/db/database.ts';
import { secretHash } from './secret-values.ts';

const COUNT = 10;
const GROUPS = 6;
const GROUP_LENGTH = 4;
/** Crockford's base 32: no letter that is taken for a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export function newRecoveryCode(): string {
  const characters = [...randomBytes(GROUPS * GROUP_LENGTH)].map((byte) =>
    ALPHABET.charAt(byte % ALPHABET.length),
  );
  return Array.from({ length: GROUPS }, (_, group) =>
    characters.slice(group * GROUP_LENGTH, (group + 1) * GROUP_LENGTH).join(''),
  ).join('-');
}

/** What was typed, as the code was made: in any case, with or without hyphens, with the letters that stand for digits. */
export const normalizeRecoveryCode = (typed: string): string =>
  typed.toLowerCase().replace(/[\s-]/g, '').replaceAll('o', '0').replace(/[il]/g, '1');

const hashOf = (code: string): Buffer => secretHash(normalizeRecoveryCode(code));

/** Ten new codes in place of all before. */
export async function replaceRecoveryCodes(tx: Tx, user_id: string): Promise<string[]> {
  const codes = Array.from({ length: COUNT }, newRecoveryCode);
  await removeRecoveryCodes(tx, user_id);
  await tx
    .insertInto('recovery_codes')
    .values(codes.map((code) => ({ user_id, code_hash: hashOf(code) })))
    .execute();
  return codes;
}

/** Takes the codes away; answers how many were left. */
export async function removeRecoveryCodes(tx: Tx, user_id: string): Promise<number> {
  const removed = await tx
    .deleteFrom('recovery_codes')
    .where('user_id', '=', user_id)
    .returning('used_at')
    .execute();
  return removed.filter(({ used_at }) => used_at === null).length;
}

/** Uses a code up; false when it is none of the user's, or was used before. */
export async function spendRecoveryCode(tx: Tx, user_id: string, typed: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('recovery_codes')
    .set({ used_at: sql`now()` })
    .where('user_id', '=', user_id)
    .where('code_hash', '=', hashOf(typed))
    .where('used_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
