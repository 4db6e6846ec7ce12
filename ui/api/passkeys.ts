/** The browser's passkeys. The library is loaded when one is asked for. */
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/browser';

/** The browser or the person did not go through with it; the message says what to do. */
export class PasskeyError extends Error {
  override readonly name = 'PasskeyError';
}

export const passkeysSupported = (): boolean => typeof PublicKeyCredential === 'function';

export async function askPasskey(
  optionsJSON: PublicKeyCredentialRequestOptionsJSON,
): Promise<AuthenticationResponseJSON> {
  const { startAuthentication } = await import('@simplewebauthn/browser');
  return inWords(startAuthentication({ optionsJSON }));
}

export async function createPasskey(
  optionsJSON: PublicKeyCredentialCreationOptionsJSON,
): Promise<RegistrationResponseJSON> {
  const { startRegistration } = await import('@simplewebauthn/browser');
  return inWords(startRegistration({ optionsJSON }));
}

const inWords = <T>(asked: Promise<T>): Promise<T> =>
  asked.catch((error: unknown) => {
    const { name, code } = error as { name?: string; code?: string };
    if (code === 'ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED' || name === 'InvalidStateError')
      throw new PasskeyError('This device has a passkey of yours already.', { cause: error });
    if (name === 'NotAllowedError' || name === 'AbortError')
      throw new PasskeyError(
        'It was cancelled, took too long, or no passkey fits. Try again, or use another way.',
        {
          cause: error,
        },
      );
    throw new PasskeyError('This browser could not use a passkey here. Use another way.', { cause: error });
  });
