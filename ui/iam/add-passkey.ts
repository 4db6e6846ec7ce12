import { addPasskey, startPasskeyEnrolment } from '#contract/iam.ts';
import { call } from '#ui/api/client.ts';
import { createPasskey } from '#ui/api/passkeys.ts';
import { deviceName } from './device-name.ts';

/** Makes a passkey on this device, named after it; answers the recovery codes that came with a first factor. */
export async function addPasskeyHere(): Promise<readonly string[] | null> {
  const { data } = await call(startPasskeyEnrolment);
  const passkey = await createPasskey(data.options);
  const name = deviceName(navigator.userAgent).slice(0, 60);
  return (await call(addPasskey, { body: { name, passkey } })).data.recovery_codes;
}
