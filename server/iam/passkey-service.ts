/**
 * Passkeys (WebAuthn level 3), by @simplewebauthn. Every one is asked to verify the person, so that it is two factors in one. A challenge
 * is a one-time secret: it works once, for five minutes, and only for what and in which session it was made.
 */
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';
import { sql } from 'kysely';
import type { Database, Tx } from '#server/db/database.ts';
import { putOneTimeSecret, takeOneTimeSecret, type OneTimePurpose } from './one-time-secret-store.ts';

/** Loaded with the first passkey: its certificate parsers are 9 MB that most replicas never need. */
const webauthn = () => import('@simplewebauthn/server');

const NAME = 'Cloudlysis Control';
const CHALLENGE_MINUTES = 5;

export interface PasskeySite {
  db: Database;
  publicUrl: string;
}

/** The host that passkeys are bound to. */
const hostOf = ({ publicUrl }: PasskeySite): string => new URL(publicUrl).hostname;
const bytes = (base64url: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(base64url, 'base64url'));

const credentialsOf = async (db: Database, user_id: string) => {
  const rows = await db
    .selectFrom('passkeys')
    .select(['credential_id', 'transports'])
    .where('user_id', '=', user_id)
    .execute();
  return rows.map(({ credential_id, transports }) => ({ id: credential_id, transports }));
};

/** What the browser asks a new authenticator. */
export async function startRegistration(
  site: PasskeySite,
  {
    user_id,
    session_id,
    email,
    display_name,
  }: { user_id: string; session_id: string; email: string; display_name: string },
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const challenge = await putOneTimeSecret(
    site.db,
    { purpose: 'passkey_enrolment', user_id, session_id },
    CHALLENGE_MINUTES,
  );
  return (await webauthn()).generateRegistrationOptions({
    rpName: NAME,
    rpID: hostOf(site),
    userName: email,
    userDisplayName: display_name,
    userID: new Uint8Array(Buffer.from(user_id)),
    challenge: bytes(challenge),
    attestationType: 'none',
    excludeCredentials: await credentialsOf(site.db, user_id),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  });
}

export interface NewPasskey {
  credential_id: string;
  public_key: Buffer;
  sign_count: number;
  transports: string[];
  synced: boolean;
}

/** The passkey of an answer to a challenge of this session; null when the answer does not hold. */
export async function verifyRegistration(
  site: PasskeySite,
  session_id: string,
  response: RegistrationResponseJSON,
): Promise<NewPasskey | null> {
  const { verifyRegistrationResponse } = await webauthn();
  const verified = await quietly(
    verifyRegistrationResponse({
      response,
      expectedChallenge: (challenge) => wasAsked(site.db, challenge, 'passkey_enrolment', session_id),
      expectedOrigin: site.publicUrl,
      expectedRPID: hostOf(site),
      requireUserVerification: true,
    }),
  );
  if (!verified?.verified) return null;
  const { credential, credentialDeviceType } = verified.registrationInfo;
  return {
    credential_id: credential.id,
    public_key: Buffer.from(credential.publicKey),
    sign_count: credential.counter,
    transports: credential.transports ?? [],
    synced: credentialDeviceType === 'multiDevice',
  };
}

/** What the browser asks an authenticator. Without a user it may offer any passkey that it holds for this host. */
export async function startAuthentication(
  site: PasskeySite,
  purpose: 'passkey_sign_in' | 'passkey_proof',
  person: { user_id: string; session_id: string } | null,
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const challenge = await putOneTimeSecret(site.db, { purpose, ...person }, CHALLENGE_MINUTES);
  return (await webauthn()).generateAuthenticationOptions({
    rpID: hostOf(site),
    challenge: bytes(challenge),
    userVerification: 'required',
    ...(person && { allowCredentials: await credentialsOf(site.db, person.user_id) }),
  });
}

/** Why an answer of an authenticator was not taken: for the audit log. */
export type PasskeyFault = 'unknown_passkey' | 'wrong_passkey_answer' | 'copied_passkey';

/**
 * Whose passkey answered, with its sign count kept; else the fault. A count that does not grow tells of a copied authenticator
 * (WebAuthn 7.2 step 22); authenticators that count nothing stay at 0.
 */
export async function verifyAuthentication(
  site: PasskeySite,
  tx: Tx,
  purpose: 'passkey_sign_in' | 'passkey_proof',
  person: { user_id: string; session_id: string } | null,
  response: AuthenticationResponseJSON,
): Promise<{ user_id: string; passkey_id: string } | { fault: PasskeyFault }> {
  const passkey = await tx
    .selectFrom('passkeys')
    .select(['passkey_id', 'user_id', 'credential_id', 'public_key', 'sign_count', 'transports'])
    .where('credential_id', '=', response.id)
    .forUpdate()
    .executeTakeFirst();
  if (!passkey || (person && passkey.user_id !== person.user_id)) return { fault: 'unknown_passkey' };
  const { passkey_id, user_id } = passkey;
  const { verifyAuthenticationResponse } = await webauthn();
  const verified = await quietly(
    verifyAuthenticationResponse({
      response,
      expectedChallenge: (challenge) => wasAsked(site.db, challenge, purpose, person?.session_id ?? null),
      expectedOrigin: site.publicUrl,
      expectedRPID: hostOf(site),
      requireUserVerification: true,
      credential: {
        id: passkey.credential_id,
        publicKey: new Uint8Array(passkey.public_key),
        // Judged below: the library gives one error for everything.
        counter: 0,
        transports: passkey.transports,
      },
    }),
  );
  if (!verified?.verified) return { fault: 'wrong_passkey_answer' };
  const { newCounter } = verified.authenticationInfo;
  const counts = newCounter > 0 || passkey.sign_count > 0;
  if (counts && newCounter <= passkey.sign_count) return { fault: 'copied_passkey' };
  await tx
    .updateTable('passkeys')
    .set({ sign_count: newCounter, last_used_at: sql`now()` })
    .where('passkey_id', '=', passkey_id)
    .execute();
  return { user_id, passkey_id };
}

/** The challenge is used up outside the transaction: an answer that does not hold must not make it good again. */
const wasAsked = async (
  db: Database,
  challenge: string,
  purpose: OneTimePurpose,
  session_id: string | null,
): Promise<boolean> => (await takeOneTimeSecret(db, challenge, [purpose], session_id)) !== undefined;

/** The library throws on whatever does not hold; here that is an answer like any other wrong one. */
const quietly = <T>(verification: Promise<T>): Promise<T | null> => verification.catch(() => null);
