/** Opens what signing in needs: the box of kept secrets, at this server's public address. */
import type { SignInSettings } from '#server/iam/account-deps.ts';
import { createSecretBox } from '#server/iam/secret-box.ts';
import { keepSecretKey, type SignInConfiguration } from './sign-in-configuration.ts';

/** `dataDir` is null where nothing is written to disk. */
export function openSignIn(
  { publicUrl, secretKeys }: SignInConfiguration,
  { port, dataDir }: { port: number; dataDir: string | null },
): SignInSettings {
  const keys = secretKeys ?? (dataDir === null ? null : keepSecretKey(dataDir));
  return { publicUrl: publicUrl ?? `http://localhost:${port}`, box: keys && createSecretBox(keys) };
}
