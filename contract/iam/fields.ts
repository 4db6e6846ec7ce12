/** What several endpoints of identity and access take or answer alike. */
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';
import { Type } from 'typebox';
import { Environment, Nullable, Slug, Uuid } from '../common.ts';
import { PERMISSION_PATTERN } from '../permissions.ts';

/** Scope of a grant: both null = global; both set = that tenant in that environment only. */
export const scopeFields = { tenant_id: Nullable(Slug), environment: Nullable(Environment) };

export const Password = Type.String({ minLength: 1, maxLength: 256 });
/** ASVS 5.0 6.2.1: at least 12 characters here, no composition rules, long ones allowed. */
export const NewPassword = Type.String({
  minLength: 12,
  maxLength: 256,
  description: '12 characters at least; common passwords are refused',
});
export const PermissionPattern = Type.String({ pattern: PERMISSION_PATTERN, maxLength: 64 });
export const userParams = Type.Object({ user_id: Uuid });
export const body = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });

export const TotpCode = Type.String({
  pattern: '^[0-9]{6}$',
  description: 'Six digits of an authenticator app',
});
export const RecoveryCode = Type.String({ minLength: 1, maxLength: 64 });

/** What `navigator.credentials` is asked, as @simplewebauthn/browser takes it. */
export const PasskeyOptions = Type.Unsafe<PublicKeyCredentialRequestOptionsJSON>(
  Type.Unknown({ description: 'PublicKeyCredentialRequestOptionsJSON of WebAuthn' }),
);
export const PasskeyCreationOptions = Type.Unsafe<PublicKeyCredentialCreationOptionsJSON>(
  Type.Unknown({ description: 'PublicKeyCredentialCreationOptionsJSON of WebAuthn' }),
);

const credentialFields = {
  id: Type.String({ minLength: 1, maxLength: 1400 }),
  rawId: Type.String({ minLength: 1, maxLength: 1400 }),
  type: Type.String({ enum: ['public-key'] }),
};
const Bytes = Type.String({ maxLength: 60_000, description: 'base64url' });

/** What an authenticator answered to a challenge: AuthenticationResponseJSON of WebAuthn. */
export const PasskeyResponse = Type.Unsafe<AuthenticationResponseJSON>(
  Type.Object({
    ...credentialFields,
    response: Type.Object({ clientDataJSON: Bytes, authenticatorData: Bytes, signature: Bytes }),
  }),
);
/** A new passkey: RegistrationResponseJSON of WebAuthn. */
export const PasskeyRegistration = Type.Unsafe<RegistrationResponseJSON>(
  Type.Object({
    ...credentialFields,
    response: Type.Object({
      clientDataJSON: Bytes,
      attestationObject: Bytes,
      transports: Type.Optional(Type.Array(Type.String({ maxLength: 32 }), { maxItems: 16 })),
    }),
  }),
);
