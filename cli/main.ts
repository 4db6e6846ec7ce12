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
  exitOfStatus,
  giveUp,
  keepTokens,
  problemOf,
  refusal,
} from './control-client.ts';
import { forgetCredentials, readCredentials } from './credentials.ts';
import { fullPath, matchEndpoint } from './endpoint-match.ts';
import { printJob, printJobs, watchJob } from './job-commands.ts';
import { complain, say, sayJson } from './terminal.ts';

const HELP = `Usage: control <command>

  login [--url <address>]               sign in, by approving a code in a browser
  logout                                end this session and forget its tokens
  whoami                                who is signed in here
  confirm                               confirm that it is you, for 5 minutes of privileged changes
  jobs list                             the newest jobs; --state, --environment, --tenant, --limit narrow them
  jobs show <job_id>                    one job with its steps
  jobs watch <job_id>                   follow a job until it has ended
  api <METHOD> <path> [--data <json>]   call an endpoint of the Admin API and print its answer

  --url    http://127.0.0.1:7070 when left out, or CONTROL_URL
  --data   the body, as JSON
  --state  a state of jobs, or live, or ended
  --limit  how many jobs, 20 when left out
  --json   jobs as the API answers them; of a watched job each event on a line
  --help   this text

Exit codes: 0 done, 1 refused by the server, 2 called wrongly, 3 sign in or confirm first,
4 no answer or a fault of the server, 5 the watched job failed or was cancelled, 6 it is stuck.
`;

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
      `${match.endpoint.id} is a stream of events. A job is followed by: control jobs watch <job_id>`,
      EXIT.usage,
    );
  const answer = await callSignedIn(
    match.endpoint.method,
    path,
    data === undefined ? undefined : bodyOf(data),
  );
  if (answer.status >= 400) {
    sayJson(answer.body);
    throw new CommandError(
      problemOf(answer).detail ?? `The server answered ${answer.status}.`,
      exitOfStatus(answer.status),
    );
  }
  sayJson(answer.body);
}

function bodyOf(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (error) {
    throw new CommandError(`--data is not JSON: ${(error as Error).message}`, EXIT.usage);
  }
}

const OPTIONS = {
  url: { type: 'string' },
  data: { type: 'string' },
  state: { type: 'string' },
  environment: { type: 'string' },
  tenant: { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Which options each command takes; one that it does not take is refused rather than overlooked. */
const TAKES: Record<string, readonly (keyof typeof OPTIONS)[]> = {
  login: ['url'],
  api: ['data'],
  'jobs list': ['state', 'environment', 'tenant', 'limit', 'json'],
  'jobs show': ['json'],
  'jobs watch': ['json'],
};

async function run(): Promise<number | void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: OPTIONS });
  const [first, ...others] = positionals;
  if (values.help || first === undefined) return say(HELP.trimEnd());
  const [command, rest] =
    first === 'jobs' ? [`jobs ${others[0] ?? ''}`.trim(), others.slice(1)] : [first, others];
  const wrong = Object.keys(values).find((name) => !(TAKES[command] ?? []).some((taken) => taken === name));
  if (wrong !== undefined)
    throw new CommandError(`control ${command} takes no --${wrong}.\n\n${HELP}`, EXIT.usage);
  const [one, two] = rest;
  const { json = false } = values;
  const called = `${command} ${rest.length}`;
  if (called === 'login 0') return login(values.url);
  if (called === 'logout 0') return logout();
  if (called === 'whoami 0') return whoami();
  if (called === 'confirm 0') return confirm();
  if (called === 'jobs list 0') return printJobs(values, json);
  if (called === 'jobs show 1' && one !== undefined) return printJob(one, json);
  if (called === 'jobs watch 1' && one !== undefined) return watchJob(one, json);
  if (called === 'api 2' && one !== undefined && two !== undefined) return callApi(one, two, values.data);
  throw new CommandError(
    `There is no command "${positionals.join(' ')}" with these arguments.\n\n${HELP}`,
    EXIT.usage,
  );
}

// Whoever reads may have had enough, as `head` has.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => code === 'EPIPE' && process.exit(EXIT.done));

try {
  process.exitCode = (await run()) ?? EXIT.done;
} catch (error) {
  const wrongOption = (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
  if (!(error instanceof CommandError) && !wrongOption) throw error;
  complain((error as Error).message);
  process.exitCode = error instanceof CommandError ? error.exit : EXIT.usage;
}
