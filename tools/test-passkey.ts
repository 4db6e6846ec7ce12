/** For tests: an authenticator without a device, which makes passkeys and answers with them as WebAuthn level 3 says. */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';

const PRESENT_AND_VERIFIED = 0x05;
const WITH_NEW_KEY = 0x40;
const AAGUID = Buffer.alloc(16);
const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();

/** A passkey on an ES256 key. `origin` is the page that asks for it, and its host what it is bound to. */
export function createTestPasskey(origin: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const credentialId = randomBytes(32);
  const id = credentialId.toString('base64url');
  const host = sha256(new URL(origin).hostname);
  let signCount = 0;

  const head = (flags: number): Buffer => {
    const count = Buffer.alloc(4);
    count.writeUInt32BE((signCount += 1));
    return Buffer.concat([host, Buffer.from([PRESENT_AND_VERIFIED | flags]), count]);
  };
  const clientData = (type: string, challenge: string): Buffer =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  const answer = { id, rawId: id, type: 'public-key', clientExtensionResults: {} } as const;

  return {
    /** What the browser sends for the options of an enrolment. */
    register({ challenge }: PublicKeyCredentialCreationOptionsJSON): RegistrationResponseJSON {
      const key = isoCBOR.encode(
        new Map<number, number | Uint8Array>([
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, new Uint8Array(Buffer.from(x, 'base64url'))],
          [-3, new Uint8Array(Buffer.from(y, 'base64url'))],
        ]),
      );
      const length = Buffer.from([0, credentialId.length]);
      const authData = new Uint8Array(Buffer.concat([head(WITH_NEW_KEY), AAGUID, length, credentialId, key]));
      const attestation = isoCBOR.encode(
        new Map<string, string | Uint8Array | Map<string, string>>([
          ['fmt', 'none'],
          ['attStmt', new Map<string, string>()],
          ['authData', authData],
        ]),
      );
      return {
        ...answer,
        response: {
          clientDataJSON: clientData('webauthn.create', challenge).toString('base64url'),
          attestationObject: Buffer.from(attestation).toString('base64url'),
          transports: ['internal'],
        },
      };
    },
    /** What the browser sends for the options of a sign-in or a proof. */
    authenticate({ challenge }: PublicKeyCredentialRequestOptionsJSON): AuthenticationResponseJSON {
      const data = clientData('webauthn.get', challenge);
      const authenticatorData = head(0);
      const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(data)]), privateKey);
      return {
        ...answer,
        response: {
          clientDataJSON: data.toString('base64url'),
          authenticatorData: authenticatorData.toString('base64url'),
          signature: signature.toString('base64url'),
        },
      };
    },
  };
}
