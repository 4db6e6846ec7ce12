/** The tokens of the one control plane that somebody is signed in to here, in a file that only they can read. */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { CommandError, EXIT } from './command-error.ts';

export interface Credentials {
  /** Origin of the control plane. */
  url: string;
  access_token: string;
  refresh_token: string;
  /** Of the access token. */
  expires_at: string;
}

const folder = (): string =>
  path.join(process.env['XDG_CONFIG_HOME'] ?? path.join(homedir(), '.config'), 'cloudlysis-control');
export const credentialsFile = (): string => path.join(folder(), 'credentials.json');

/** Null when nobody is signed in here. */
export async function readCredentials(): Promise<Credentials | null> {
  let text: string;
  try {
    text = await readFile(credentialsFile(), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new CommandError(`${credentialsFile()} cannot be read: ${(error as Error).message}`, EXIT.usage);
  }
  try {
    const { url, access_token, refresh_token, expires_at } = JSON.parse(text) as Credentials;
    if ([url, access_token, refresh_token, expires_at].every((value) => typeof value === 'string'))
      return { url, access_token, refresh_token, expires_at };
  } catch {
    // Said below: what it holds is not repeated.
  }
  throw new CommandError(`${credentialsFile()} is damaged; remove it and use: control login`, EXIT.usage);
}

/** Written whole beside the old one and then put in its place: a command that is cut off loses no refresh token. */
export async function keepCredentials(credentials: Credentials): Promise<void> {
  await mkdir(folder(), { recursive: true, mode: 0o700 });
  const beside = `${credentialsFile()}.${randomUUID()}`;
  await writeFile(beside, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  await rename(beside, credentialsFile());
}

export const forgetCredentials = (): Promise<void> => rm(credentialsFile(), { force: true });
