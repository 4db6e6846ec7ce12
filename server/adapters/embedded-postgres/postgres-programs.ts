import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { EmbeddedPostgresError } from './embedded-postgres-error.ts';

/** The account PostgreSQL's programs run as; absent when the control plane itself is not root. */
export type PostgresAccount = { name: string; uid: number; gid: number };

export type ProgramResult = { exitCode: number; output: string };

export type PostgresPrograms = {
  account: PostgresAccount | undefined;
  majorVersion: string;
  run: (program: 'initdb' | 'pg_ctl', args: string[]) => Promise<ProgramResult>;
};

type BinaryPaths = { initdb: string; pg_ctl: string; postgres: string };
type Launch = (file: string, args: string[]) => Promise<ProgramResult>;

const capabilities = '-all,+dac_override';

/**
 * Finds the PostgreSQL programs for this machine and a way to run them that works.
 *
 * PostgreSQL refuses to run as root, so root hands it to an ordinary account. That account alone could not
 * enter a checkout below a private folder such as /root; setpriv lets it keep the one capability
 * that opens such folders. Where setpriv is missing or forbidden, the plain account has to do.
 */
export async function findPostgresPrograms(dataDir: string): Promise<PostgresPrograms> {
  const binaries = await importBinaries();
  const account = process.getuid?.() === 0 ? await chooseAccount(dataDir) : undefined;
  const failures: string[] = [];
  for (const launch of account ? [launchWithSetpriv(account), launchAs(account)] : [launchAs(undefined)]) {
    const probe = await launch(binaries.initdb, ['--version']);
    const majorVersion = /PostgreSQL\) (\d+)/.exec(probe.output)?.[1];
    if (probe.exitCode === 0 && majorVersion) {
      return { account, majorVersion, run: (program, args) => launch(binaries[program], args) };
    }
    failures.push(probe.output.trim());
  }
  const runner = account ? ` as user ${account.name}` : '';
  throw new EmbeddedPostgresError(
    `PostgreSQL cannot be run${runner} from ${dirname(binaries.postgres)}: ${failures.at(-1)}`,
  );
}

async function importBinaries(): Promise<BinaryPaths> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const packageName = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return (await import(packageName)) as BinaryPaths;
  } catch (error) {
    throw new EmbeddedPostgresError(
      `There is no embedded PostgreSQL for ${platform}-${process.arch} (${packageName}): set database_url to use a server of your own.`,
      { cause: error },
    );
  }
}

/** Data that exists stays with the account that owns it, whatever accounts were added since. */
async function chooseAccount(dataDir: string): Promise<PostgresAccount> {
  const accounts = parseAccounts(await readFile('/etc/passwd', 'utf8').catch(() => ''));
  const owner = await stat(dataDir).catch(() => undefined);
  if (owner && owner.uid !== 0) {
    const name = accounts.find((account) => account.uid === owner.uid)?.name ?? String(owner.uid);
    return { name, uid: owner.uid, gid: owner.gid };
  }
  const account = ['postgres', 'nobody']
    .map((name) => accounts.find((candidate) => candidate.name === name))
    .find((candidate) => candidate !== undefined && candidate.uid > 0);
  return account ?? { name: '65534', uid: 65534, gid: 65534 };
}

function parseAccounts(passwd: string): PostgresAccount[] {
  return passwd.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
}

function launchWithSetpriv(account: PostgresAccount): Launch {
  const privileges = [
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    '--clear-groups',
    // PostgreSQL looks for its own program with access(2), which ignores capabilities without this bit.
    '--securebits=+no_setuid_fixup',
    `--inh-caps=${capabilities}`,
    `--ambient-caps=${capabilities}`,
  ];
  return (file, args) => launch('setpriv', [...privileges, '--', file, ...args], {});
}

function launchAs(account: PostgresAccount | undefined): Launch {
  const identity = account ? { uid: account.uid, gid: account.gid } : {};
  return (file, args) => launch(file, args, identity);
}

function launch(
  file: string,
  args: string[],
  identity: { uid?: number; gid?: number },
): Promise<ProgramResult> {
  // A bare environment: PGDATA, PGPORT and their kin on the user's machine must not reach our server.
  const environment = {
    PATH: process.env['PATH'],
    SystemRoot: process.env['SystemRoot'],
    LC_ALL: 'C',
    TZ: 'UTC',
  };
  return new Promise((resolve) => {
    execFile(file, args, { ...identity, cwd: '/', env: environment }, (error, stdout, stderr) => {
      const exitCode = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
      const output = `${stdout}${stderr}`.trim();
      resolve({ exitCode, output: output === '' && error ? error.message : output });
    });
  });
}
