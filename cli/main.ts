/** `control`: the command line client of the Admin API. */
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ENDPOINTS } from '#contract/endpoints.ts';
import { authorizeDeviceStepUp, me, type DeviceAuthorization, type Me } from '#contract/iam.ts';
import { CommandError, EXIT } from './command-error.ts';
import {
  awaitApproval,
  beginSignIn,
  callSignedIn,
  clientName,
  giveUp,
  keepTokens,
  problemOf,
  refusal,
} from './control-client.ts';
import { forgetCredentials, readCredentials } from './credentials.ts';
import { fullPath, matchEndpoint } from './endpoint-match.ts';

const HELP = `Usage: control <command>

  login [--url <address>]               sign in, by approving a code in a browser
  logout                                end this session and forget its tokens
  whoami                                who is signed in here
  confirm                               confirm that it is you, for 5 minutes of privileged changes
  api <METHOD> <path> [--data <json>]   call an endpoint of the Admin API and print its answer

  --url    http://127.0.0.1:7070 when left out, or CONTROL_URL
  --data   the body, as JSON
  --help   this text

Exit codes: 0 done, 1 refused by the server, 2 called wrongly, 3 not signed in, 4 no answer.
`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Shows where to approve, and waits for it. */
async function approved(url: string, begun: DeviceAuthorization): Promise<void> {
  say(`Open ${begun.verification_uri_complete}\nand approve the code ${begun.user_code}. Waiting …`);
  await keepTokens(url, await awaitApproval(url, begun, (seconds) => pause(seconds * 1000)));
}

function originOf(text: string): string {
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol))
    throw new CommandError(
      `--url takes the address of a control plane, like https://control.example.com, not ${text}.`,
      EXIT.usage,
    );
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(parsed.hostname);
  if (parsed.protocol === 'http:' && !local)
    throw new CommandError(
      'Tokens are sent over https only, but to this machine itself; give an https address.',
      EXIT.usage,
    );
  return parsed.origin;
}

async function login(given: string | undefined): Promise<void> {
  const url = originOf(given ?? process.env['CONTROL_URL'] ?? 'http://127.0.0.1:7070');
  const before = await readCredentials();
  await approved(url, await beginSignIn(url));
  // The session that was here before is not left open behind the new one.
  if (before) await giveUp(before).catch(() => undefined);
  await whoami();
}

async function logout(): Promise<void> {
  const credentials = await readCredentials();
  if (!credentials) return say('Nobody is signed in here.');
  await giveUp(credentials);
  await forgetCredentials();
  say('Signed out.');
}

async function whoami(): Promise<void> {
  const answer = await callSignedIn(me.method, me.path);
  if (answer.status !== 200) throw refusal(answer);
  const { user, grants, session } = answer.body as Me;
  const roles = [...new Set(grants.map(({ role_id }) => role_id))].join(', ');
  const { url = '' } = (await readCredentials()) ?? {};
  say(`${user.display_name} <${user.email}> at ${url}`);
  say(`roles: ${roles === '' ? 'none' : roles}`);
  if (session) say(`session ${session.session_id} until ${session.expires_at}`);
}

async function confirm(): Promise<void> {
  const { method, path } = authorizeDeviceStepUp;
  const answer = await callSignedIn(method, path, { client_name: clientName() });
  if (answer.status !== 200) throw refusal(answer);
  const { url = '' } = (await readCredentials()) ?? {};
  await approved(url, answer.body as DeviceAuthorization);
  say('Confirmed.');
}

async function callApi(method: string, given: string, data: string | undefined): Promise<void> {
  const path = fullPath(given);
  const match = matchEndpoint(ENDPOINTS, method.toUpperCase(), path);
  if ('nearest' in match) {
    const near = match.nearest.map((endpoint) => `  ${endpoint.method} ${endpoint.path}`).join('\n');
    throw new CommandError(
      `There is no endpoint ${method.toUpperCase()} ${path}. The nearest are:\n${near}`,
      EXIT.usage,
    );
  }
  if (match.endpoint.stream)
    throw new CommandError(
      `${match.endpoint.id} is a stream of events, which this client does not read.`,
      EXIT.usage,
    );
  const answer = await callSignedIn(
    match.endpoint.method,
    path,
    data === undefined ? undefined : bodyOf(data),
  );
  if (answer.status >= 400) {
    say(JSON.stringify(answer.body, null, 2));
    throw new CommandError(
      problemOf(answer).detail ?? `The server answered ${answer.status}.`,
      answer.status === 401 ? EXIT.signedOut : EXIT.refused,
    );
  }
  say(JSON.stringify(answer.body, null, 2));
}

function bodyOf(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw new CommandError(`--data is not JSON: ${(error as Error).message}`, EXIT.usage);
  }
}

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { url: { type: 'string' }, data: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const [command, ...rest] = positionals;
  if (values.help || command === undefined) return say(HELP);
  const [method, path, ...more] = rest;
  const alone = rest.length === 0;
  if (command === 'login' && alone) return login(values.url);
  if (command === 'logout' && alone) return logout();
  if (command === 'whoami' && alone) return whoami();
  if (command === 'confirm' && alone) return confirm();
  if (command === 'api' && method !== undefined && path !== undefined && more.length === 0)
    return callApi(method, path, values.data);
  throw new CommandError(
    `There is no command "${positionals.join(' ')}" with these arguments.\n\n${HELP}`,
    EXIT.usage,
  );
}

try {
  await run();
} catch (error) {
  const wrongOption = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
  if (!(error instanceof CommandError) && !wrongOption) throw error;
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = error instanceof CommandError ? error.exit : EXIT.usage;
}
