/** Secrets that work once and for a while: links in mails, challenges, states. Kept as hashes; whoever takes one has used it up. */
import { sql } from 'kysely';
import type { Database } from '#server/db/database.ts';
import { newSecret, secretHash } from './secret-values.ts';

export type OneTimePurpose =
  | 'invitation'
  | 'password_reset'
  | 'passkey_sign_in'
  | 'passkey_proof'
  | 'passkey_enrolment'
  | 'provider_sign_in'
  | 'provider_link';

export interface OneTimeSecret {
  purpose: OneTimePurpose;
  user_id: string | null;
  /** The only session that may take it. */
  session_id: string | null;
  content: Record<string, unknown>;
}

/** Keeps a new secret for so many minutes and answers it. Expired ones are swept on the way. */
export async function putOneTimeSecret(
  db: Database,
  {
    purpose,
    user_id = null,
    session_id = null,
    content = {},
  }: Partial<OneTimeSecret> & { purpose: OneTimePurpose },
  minutes: number,
): Promise<string> {
  const secret = newSecret();
  await sql`with old as (delete from one_time_secrets where expires_at < now())
    insert into one_time_secrets (secret_hash, purpose, user_id, session_id, content, expires_at)
    values (${secretHash(secret)}, ${purpose}, ${user_id}::uuid, ${session_id}::uuid, ${JSON.stringify(content)}::jsonb,
      now() + make_interval(mins => ${minutes}))`.execute(db);
  return secret;
}

const FIELDS = sql.raw('purpose, user_id, session_id, content');

/** Uses a secret up; undefined when there is no such secret, it has expired, or it belongs to another session. */
export async function takeOneTimeSecret(
  db: Database,
  secret: string,
  purposes: readonly OneTimePurpose[],
  session_id: string | null = null,
): Promise<OneTimeSecret | undefined> {
  const { rows } = await sql<OneTimeSecret>`delete from one_time_secrets
    where secret_hash = ${secretHash(secret)} and purpose = any(${[...purposes]}) and expires_at > now()
      and session_id is not distinct from ${session_id}::uuid
    returning ${FIELDS}`.execute(db);
  return rows[0];
}

/** Looks at a secret and leaves it. */
export async function readOneTimeSecret(
  db: Database,
  secret: string,
  purposes: readonly OneTimePurpose[],
): Promise<(OneTimeSecret & { expires_at: string }) | undefined> {
  const { rows } = await sql<
    OneTimeSecret & { expires_at: string }
  >`select ${FIELDS}, expires_at from one_time_secrets
    where secret_hash = ${secretHash(secret)} and purpose = any(${[...purposes]}) and expires_at > now()`.execute(
    db,
  );
  return rows[0];
}

/** Voids what a user has of these purposes. */
export async function voidOneTimeSecrets(
  db: Database,
  user_id: string,
  purposes: readonly OneTimePurpose[],
): Promise<void> {
  await sql`delete from one_time_secrets where user_id = ${user_id}::uuid and purpose = any(${[...purposes]})`.execute(
    db,
  );
}
