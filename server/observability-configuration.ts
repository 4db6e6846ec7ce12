/** What `control.yaml` says of an environment's metrics, alerts, logs and Grafana: addresses, and where their credentials are. */
import { readFileSync } from 'node:fs';
import { Type, type Static } from 'typebox';
import { OBSERVABILITY_PARTS, type ObservabilityPart } from '#contract/observability.ts';
import type { HttpCredentials, HttpServer } from '#server/adapters/http/json-client.ts';

const strict = { additionalProperties: false };
const Name = Type.String({ minLength: 1 });

const address = (description: string) => Type.Optional(Type.String({ pattern: '^https?://', description }));

const Credentials = Type.Object(
  {
    token_env: Type.Optional(Name),
    token_file: Type.Optional(Name),
    user: Type.Optional(Name),
    password_env: Type.Optional(Name),
    password_file: Type.Optional(Name),
  },
  {
    ...strict,
    description: 'A bearer token, or a user and a password; by the variable or the file that holds it',
  },
);
type Credentials = Static<typeof Credentials>;

export const ObservabilityConfiguration = Type.Object(
  {
    metrics_url: address('Query API of VictoriaMetrics or Prometheus'),
    alerts_url: address('vmalert'),
    alertmanager_url: address('Alertmanager, which knows what is silenced'),
    targets_url: address('vmagent, or what else answers `/api/v1/targets`'),
    logs_url: address('Loki'),
    grafana_url: address('Grafana, as this process reaches it'),
    grafana_public_url: address('Grafana, as browsers reach it; `grafana_url` when left out'),
    credentials: Type.Optional(
      Type.Partial(
        Type.Object(
          Object.fromEntries(OBSERVABILITY_PARTS.map((part) => [part, Credentials])) as Record<
            ObservabilityPart,
            typeof Credentials
          >,
          strict,
        ),
        strict,
      ),
    ),
  },
  { ...strict, description: 'What the Admin UI reads figures, alerts and logs from, and where it links to' },
);
export type ObservabilityConfiguration = Static<typeof ObservabilityConfiguration>;

/** What is wrong beyond the schema, each with its path and in a sentence. Reads the files and variables that are named. */
export function observabilityProblems(
  environments: readonly { observability?: ObservabilityConfiguration | undefined }[],
  env: NodeJS.ProcessEnv,
): string[] {
  return environments.flatMap(({ observability = {} }, at) => {
    const path = `/environments/${at}/observability`;
    const { credentials = {}, ...addresses } = observability;
    const { grafana_public_url } = addresses;
    return [
      ...Object.entries(addresses).flatMap(([name, url]) => addressProblems(url, `${path}/${name}`)),
      ...(grafana_public_url !== undefined && observability.grafana_url === undefined
        ? [`${path}/grafana_public_url needs ${path}/grafana_url`]
        : []),
      ...OBSERVABILITY_PARTS.flatMap((part) => {
        const given = credentials[part];
        if (given === undefined) return [];
        if (observability[`${part}_url`] === undefined)
          return [`${path}/credentials/${part} needs the address in ${path}/${part}_url`];
        return credentialProblems(given, env, `${path}/credentials/${part}`);
      }),
    ];
  });
}

/** A path prefix is kept, as behind a proxy. What is wrong with an address that holds credentials is said without showing it. */
function addressProblems(address: string, path: string): string[] {
  if (!URL.canParse(address)) return [`${path} is no address such as http://host:8428`];
  const { username, password, search, hash } = new URL(address);
  if (username !== '' || password !== '')
    return [`${path} holds credentials; name a variable or file under credentials`];
  return search === '' && hash === '' ? [] : [`${path} has more than an origin and a path`];
}

function credentialProblems(given: Credentials, env: NodeJS.ProcessEnv, path: string): string[] {
  const { token_env, token_file, user, password_env, password_file } = given;
  const sources = { token_env, token_file, password_env, password_file };
  const named = Object.entries(sources).filter(([, value]) => value !== undefined);
  const wanted = user === undefined ? 'token' : 'password';
  if (named.length !== 1 || !named[0]?.[0].startsWith(wanted)) {
    return [
      user === undefined
        ? `${path} needs one of token_env and token_file, or a user with its password`
        : `${path}/user needs its password by one of password_env and password_file, and no token`,
    ];
  }
  return named.flatMap(([name, value = '']) => {
    if (name.endsWith('_env'))
      return isSendable(env[value]) ? [] : [`${path}/${name} names ${value}, ${notSendable(env[value])}`];
    try {
      const secret = withoutLineEnd(readFileSync(value, 'utf8'));
      return isSendable(secret) ? [] : [`${path}/${name} names ${value}, ${notSendable(secret)}`];
    } catch (error) {
      return [
        `${path}/${name} names ${value}, which cannot be read (${(error as NodeJS.ErrnoException).code})`,
      ];
    }
  });
}

/** What is put into a header: anything else makes every call fail, with an error that may show it. */
const isSendable = (secret: string | undefined): boolean =>
  secret !== undefined && /^[\x20-\x7e]+$/.test(secret);
const notSendable = (secret: string | undefined): string =>
  secret ? 'which holds more than one line of printable ASCII' : 'which is not set or empty';
const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, '');

/** Where a part is, and how to sign in there; null when it is not configured. `observabilityProblems` has found nothing wrong. */
export function observabilityServer(
  { credentials = {}, ...addresses }: ObservabilityConfiguration,
  part: ObservabilityPart,
  env: NodeJS.ProcessEnv,
): HttpServer | null {
  const url = addresses[`${part}_url`];
  if (url === undefined) return null;
  const given = credentials[part];
  return {
    url: url.replace(/\/+$/, ''),
    credentials: given === undefined ? null : credentialsOf(given, env),
  };
}

/** Read at each call, so that a file with a new token is picked up. */
function credentialsOf(given: Credentials, env: NodeJS.ProcessEnv): HttpCredentials {
  const { token_env, token_file, user, password_env, password_file } = given;
  const file = token_file ?? password_file;
  const read = () =>
    file === undefined
      ? (env[token_env ?? password_env ?? ''] ?? '')
      : withoutLineEnd(readFileSync(file, 'utf8'));
  return user === undefined ? { kind: 'bearer', token: read } : { kind: 'basic', user, password: read };
}
