/**
 * OWASP ASVS 5.0, levels 1 and 2, of the chapters on identity and access: what proves each requirement here. The titles are ours; the
 * standard's text stands at https://github.com/OWASP/ASVS. `npm run generate` writes docs/security/asvs.md from this.
 */
export interface NamedTest {
  file: string;
  /** Exactly as it stands in the file. */
  name: string;
}

export type Verdict =
  /** Tests hold it. */
  | { state: 'proved'; tests: readonly NamedTest[] }
  /** Met, and seen by reading `where`; no test would notice if it were lost. */
  | { state: 'by_reading'; where: string; why: string }
  | { state: 'not_applicable'; why: string }
  | { state: 'not_met'; why: string };

export interface Requirement {
  number: string;
  level: 1 | 2;
  title: string;
  verdict: Verdict;
}

const proved = (...tests: [file: string, name: string][]): Verdict => ({
  state: 'proved',
  tests: tests.map(([file, name]) => ({ file, name })),
});
const reading = (where: string, why: string): Verdict => ({ state: 'by_reading', where, why });
const none = (why: string): Verdict => ({ state: 'not_applicable', why });
const open = (why: string): Verdict => ({ state: 'not_met', why });

const SIGN_IN = 'server/iam/sign-in.integration.test.ts';
const USERS = 'server/iam/users.integration.test.ts';
const FACTORS = 'server/iam/second-factor.integration.test.ts';
const LINKS = 'server/iam/access-links.integration.test.ts';
const STEP_UP = 'server/iam/step-up.integration.test.ts';
const PROVIDER = 'server/iam/identity-provider.integration.test.ts';
const PLANE = 'server/control-plane.integration.test.ts';
const MATRIX = 'server/authorization-matrix.integration.test.ts';
const FUZZ = 'server/hostile-input.integration.test.ts';
const AUDIT = 'server/audit-events.integration.test.ts';
const VERIFIER = 'server/adapters/jose/jose-token-verifier.test.ts';
const TOKENS = 'server/issued-tokens.integration.test.ts';
const REPLICAS = 'server/access-on-replicas.integration.test.ts';
const POLICIES = 'server/iam/sign-in-policy-rules.test.ts';
const DEVICE = 'server/iam/device-sign-in.integration.test.ts';
const IMAGE = 'deploy/image.swarm.test.ts';

const HOSTILE: [string, string] = [
  VERIFIER,
  'no hostile token is accepted, and only an expired one is told why',
];
const GATEWAY_TOKEN: [string, string] = [
  VERIFIER,
  'a token of the issuer proves who it is for, and nothing else',
];
const LOCK_OUT: [string, string] = [
  SIGN_IN,
  'closes the account after five failures, for everybody and for the right password too, and says for how long',
];
const CASBIN: [string, string] = [MATRIX, 'given for %s passes where casbin says so, and nowhere else'];
const COMPOSURE: [string, string] = [FUZZ, '%s keeps its composure'];
const EVENT: [string, string] = [AUDIT, '%s says in the audit log what it did'];
const NO_CODE_GRANT = none('No authorization code is issued: this is not an OpenID provider.');
const NO_PROVIDER = none('This is not an OpenID provider.');
const ONE_STEP_BACK: [string, string] = [
  PROVIDER,
  'takes each answer once, and only for the state that it was asked with',
];

type Line = [number: string, level: 1 | 2, title: string, verdict: Verdict];
const LINES: readonly Line[] = [
  [
    'V6.1.1',
    1,
    'It is documented how guessing of passwords is slowed, and how nobody is locked out for ever',
    reading(
      'docs/adr/0033-second-factors-and-pending-sessions.md',
      'Counts, lock-out and the way past it are decided there.',
    ),
  ],
  [
    'V6.1.2',
    2,
    'Words of the context that passwords may not be made of are documented',
    reading('server/iam/password-rules.ts', 'The product’s name, the email and the name of the person.'),
  ],
  [
    'V6.1.3',
    2,
    'All ways to sign in are documented, with their strength',
    reading(
      'docs/adr/0033-second-factors-and-pending-sessions.md',
      'Also 0034 (providers), 0043 (tokens of issuers) and API tokens in the glossary.',
    ),
  ],
  [
    'V6.2.1',
    1,
    'Passwords have 8 characters at least',
    reading('contract/iam/fields.ts', '`NewPassword` takes 12 to 256; who sends less is answered 400.'),
  ],
  [
    'V6.2.2',
    1,
    'People change their password',
    proved([STEP_UP, 'ends the other sessions and keeps this one']),
  ],
  [
    'V6.2.3',
    1,
    'Changing it takes the current one',
    proved([STEP_UP, 'needs the current one, and a new one that is hard to guess']),
  ],
  [
    'V6.2.4',
    1,
    'Common passwords are refused',
    proved(['server/iam/password-rules.test.ts', 'is refused when attackers try it first: %s']),
  ],
  [
    'V6.2.5',
    1,
    'No rule about kinds of characters',
    proved(['server/iam/password-rules.test.ts', 'may contain a common word when enough else is there']),
  ],
  ['V6.2.6', 1, 'Password fields hide what is typed', reading('ui/iam', 'All are Mantine’s PasswordInput.')],
  [
    'V6.2.7',
    1,
    'Pasting and password managers work',
    reading('ui/iam', 'Fields are plain inputs with `autocomplete`; nothing listens to pasting.'),
  ],
  [
    'V6.2.8',
    1,
    'The password counts exactly as typed',
    proved(['server/iam/password-hashing.test.ts', 'is recognised, and only it']),
  ],
  ['V6.2.9', 2, '64 characters are taken', reading('contract/iam/fields.ts', '`NewPassword` takes 256.')],
  [
    'V6.2.10',
    2,
    'Passwords do not expire',
    reading('server/db/generated/schema.sql', '`users` has no age of a password.'),
  ],
  [
    'V6.2.11',
    2,
    'The words of the context are refused',
    proved(['server/iam/password-rules.test.ts', 'is refused when it is made of what everybody knows: %s']),
  ],
  [
    'V6.2.12',
    2,
    'Breached passwords are refused',
    proved(['server/iam/password-rules.test.ts', 'is refused when attackers try it first: %s']),
  ],
  [
    'V6.3.1',
    1,
    'Guessing and stuffing are slowed as documented',
    proved(
      LOCK_OUT,
      [SIGN_IN, 'many accounts from one address is stopped after thirty, and other addresses go on'],
      [SIGN_IN, 'a hundred times at once is five guesses'],
    ),
  ],
  [
    'V6.3.2',
    1,
    'No default accounts',
    proved([
      'e2e/start.spec.ts',
      'the first start invents an owner and says the password once; the second finds the data of the first',
    ]),
  ],
  [
    'V6.3.3',
    2,
    'Several factors are needed',
    proved(
      [FACTORS, 'opens nothing between the password and the code, then everything under a new token'],
      [POLICIES, 'a role that demands a second factor leads to its enrolment'],
    ),
  ],
  [
    'V6.3.4',
    2,
    'All ways in are equally strict',
    proved(
      [FACTORS, 'can refuse a way to sign in, once it is known who comes'],
      [POLICIES, 'only what every role allows is allowed'],
    ),
  ],
  [
    'V6.4.1',
    1,
    'First secrets are random, short-lived and used once',
    proved(
      [LINKS, 'works once, of many at the same time too'],
      [LINKS, 'stops working when it is sent again, has expired, or the user is disabled'],
    ),
  ],
  ['V6.4.2', 1, 'No hints, no secret questions', reading('contract/iam', 'There is no endpoint for either.')],
  [
    'V6.4.3',
    2,
    'A reset keeps the second factor',
    reading(
      'server/iam/access-link-service.ts',
      'A reset sets a password and leaves the factors, which the next sign-in asks for.',
    ),
  ],
  [
    'V6.4.4',
    2,
    'A lost factor is replaced with as much proof as the enrolment took',
    open(
      'An administrator resets factors with a reason, after a step-up and only where they hold all that the user holds; how they make sure who asks them is not prescribed.',
    ),
  ],
  [
    'V6.5.1',
    2,
    'Codes work once',
    proved(
      [FACTORS, 'takes each code once, of many at the same time too'],
      ['server/iam/totp-rules.test.ts', 'takes each code once, and none from before it'],
    ),
  ],
  [
    'V6.5.2',
    2,
    'Weak recovery codes would be hashed slowly',
    none('Recovery codes have 120 random bits, more than the 112 from which on a plain hash is enough.'),
  ],
  [
    'V6.5.3',
    2,
    'Codes and keys are random',
    reading(
      'server/iam/recovery-codes.ts',
      '`node:crypto` randomBytes, as in secret-values.ts and totp-rules.ts.',
    ),
  ],
  [
    'V6.5.4',
    2,
    'Codes carry 20 bits at least',
    reading('server/iam/recovery-codes.ts', '120 bits; links carry 256.'),
  ],
  [
    'V6.5.5',
    2,
    'Codes live shortly',
    open(
      'TOTP is met (30 s, one step either side, totp-rules.test.ts). Links of invitations live 72 hours and of resets one hour, which is more than ten minutes (ADR 34).',
    ),
  ],
  ['V6.6.1', 2, 'Codes by phone only as a weaker choice', none('Nothing is sent by phone.')],
  [
    'V6.6.2',
    2,
    'Codes sent elsewhere belong to one request',
    proved([LINKS, 'a link of chance or of another kind is none']),
  ],
  [
    'V6.6.3',
    2,
    'Codes sent elsewhere cannot be guessed',
    reading('server/iam/one-time-secret-store.ts', 'Links carry 256 random bits.'),
  ],
  [
    'V6.8.1',
    2,
    'A provider cannot speak for users of another',
    proved(
      [PROVIDER, 'gives an identity to one user only'],
      [
        PROVIDER,
        'does not take an unlinked account for the user of the same email, unless the provider is trusted with it',
      ],
    ),
  ],
  ['V6.8.2', 2, 'Signatures of assertions are checked', proved(HOSTILE)],
  ['V6.8.3', 2, 'SAML assertions count once', none('No SAML.')],
  [
    'V6.8.4',
    2,
    'Strength and recency that a provider states are checked where they matter',
    proved([TOKENS, 'a privileged change wants a recent auth_time']),
  ],
  [
    'V7.1.1',
    2,
    'Time-outs of sessions are documented and justified',
    reading('server/iam/session-rules.ts', 'Twelve hours, and two without use, with the reason.'),
  ],
  [
    'V7.1.2',
    2,
    'How many sessions an account may have is documented',
    open('There is no limit. Fan-out is noticed (detections), but no document says so as a decision.'),
  ],
  [
    'V7.1.3',
    2,
    'Sessions of federated systems are documented',
    reading('docs/adr/0043-tokens-of-configured-issuers.md', 'And 0034 for providers.'),
  ],
  [
    'V7.2.1',
    1,
    'Sessions are judged by the server',
    proved([MATRIX, 'whoever is not signed in reaches only what is public']),
  ],
  [
    'V7.2.2',
    1,
    'Session tokens are made anew for each session',
    proved([SIGN_IN, 'gives a new token every time']),
  ],
  [
    'V7.2.3',
    1,
    'Session tokens carry 128 random bits',
    reading('server/iam/secret-values.ts', '256, by `node:crypto`.'),
  ],
  [
    'V7.2.4',
    1,
    'Signing in and stepping up give a new token and end the old one',
    proved([STEP_UP, 'authenticates anew, under a new token that replaces the old one']),
  ],
  ['V7.3.1', 2, 'Sessions end without use', proved([SIGN_IN, 'expires %s'])],
  [
    'V7.3.2',
    2,
    'Sessions end after a time',
    proved([SIGN_IN, 'lives twelve hours at most and keeps being used'], [SIGN_IN, 'expires %s']),
  ],
  [
    'V7.4.1',
    1,
    'An ended session opens nothing',
    proved(
      [SIGN_IN, 'is over on the next request when it is signed out'],
      [
        TOKENS,
        'ending its session, unlinking it, suspending the user and taking the role count from the next request on',
      ],
    ),
  ],
  [
    'V7.4.2',
    1,
    'Disabling or deleting a user ends their sessions',
    proved(
      [USERS, 'who is %s has no session left and cannot come back'],
      [
        REPLICAS,
        'a taken role, an ended session and a suspension by one server count at once on the other, and end open streams there',
      ],
    ),
  ],
  [
    'V7.4.3',
    2,
    'Changing a factor can end the other sessions',
    proved([STEP_UP, 'ends the other sessions and keeps this one']),
  ],
  [
    'V7.4.4',
    2,
    'Signing out is in reach on every page',
    reading('ui/app/shell.tsx', 'In the menu of the header, which every page has.'),
  ],
  [
    'V7.4.5',
    2,
    'Administrators end sessions',
    proved(
      [SIGN_IN, 'is over on the next request when somebody ends it'],
      [USERS, 'whose sessions are all ended has none left, and may sign in again'],
    ),
  ],
  [
    'V7.5.1',
    2,
    'Changing what signs one in takes a new proof',
    proved([PLANE, 'a session that signed in long ago is asked again, as RFC 9470 says']),
  ],
  [
    'V7.5.2',
    2,
    'People see and end their own sessions',
    open('My account lists the sessions; that ending one takes a proof of who one is has no test.'),
  ],
  [
    'V7.6.1',
    2,
    'Sessions here and at providers end as documented',
    proved([
      TOKENS,
      'ending its session, unlinking it, suspending the user and taking the role count from the next request on',
    ]),
  ],
  ['V7.6.2', 2, 'No session opens without the person’s doing', proved(ONE_STEP_BACK)],
  [
    'V8.1.1',
    1,
    'Who may do what is documented',
    reading(
      'openapi.json',
      'Each operation names its permission and scope, generated from the descriptors that are enforced.',
    ),
  ],
  [
    'V8.1.2',
    2,
    'Who may read or write which field is documented',
    reading(
      'contract/endpoint.ts',
      'Fields are those of the response schemas; there are no fields with rights of their own.',
    ),
  ],
  ['V8.2.1', 1, 'Functions need explicit permissions', proved(CASBIN)],
  [
    'V8.2.2',
    1,
    'Data needs explicit permissions',
    proved(CASBIN, [PLANE, 'a tenant-scoped user sees that tenant alone']),
  ],
  [
    'V8.2.3',
    2,
    'Fields need explicit permissions',
    reading(
      'server/http/register-route.ts',
      'Responses are cut to their schema, bodies refuse unknown fields.',
    ),
  ],
  ['V8.3.1', 1, 'Rules are enforced by the server', proved(CASBIN)],
  [
    'V8.4.1',
    2,
    'Nobody reaches a tenant that is not theirs',
    proved([PLANE, 'a tenant-scoped user sees that tenant alone'], CASBIN),
  ],
  ['V9.1.1', 1, 'Tokens are believed after their signature', proved(HOSTILE)],
  [
    'V9.1.2',
    1,
    'Algorithms are an allowlist, without none and without mixed kinds',
    proved(HOSTILE, [
      VERIFIER,
      'is accepted where it is configured, and refused where another of the same key type is',
    ]),
  ],
  [
    'V9.1.3',
    1,
    'Keys come from the configured place alone',
    proved(HOSTILE, [
      VERIFIER,
      'an issuer that nobody configured is not called, nor one whose tokens are malformed',
    ]),
  ],
  [
    'V9.2.1',
    1,
    'Tokens count within their times',
    proved([VERIFIER, 'clocks may differ by the configured skew and not by more']),
  ],
  ['V9.2.2', 2, 'Tokens are of the right type', proved(HOSTILE)],
  ['V9.2.3', 2, 'Tokens are for this audience', proved(HOSTILE, GATEWAY_TOKEN)],
  ['V9.2.4', 2, 'An issuer tells its audiences apart', none('No signed tokens are issued here.')],
  [
    'V10.1.1',
    2,
    'Tokens go only where they are needed',
    reading(
      'server/adapters/oidc/oidc-provider.ts',
      'The server exchanges the code; no token of a provider reaches the browser.',
    ),
  ],
  [
    'V10.1.2',
    2,
    'Answers of a provider count in the session that asked',
    proved([PROVIDER, 'is bound to the session that began it'], ONE_STEP_BACK),
  ],
  ['V10.2.1', 2, 'The code flow is safe from forged requests', proved(ONE_STEP_BACK)],
  [
    'V10.2.2',
    2,
    'Providers cannot be mixed up',
    reading(
      'server/iam/identity-service.ts',
      'The provider is part of what `state` stands for; openid-client compares the issuer of ID tokens and of answers that name one.',
    ),
  ],
  ['V10.3.1', 2, 'Access tokens are for this service', proved(HOSTILE)],
  [
    'V10.3.2',
    2,
    'Claims that delegate are part of the decision',
    proved([
      TOKENS,
      'a token opens what the roles given here open, whatever roles it claims, and its acts name person and issuer',
    ]),
  ],
  [
    'V10.3.3',
    2,
    'Users are known by claims that are not given to others',
    proved(GATEWAY_TOKEN, [
      TOKENS,
      'an account at the issuer that nobody is linked to opens nothing, and its bearer learns whom to ask',
    ]),
  ],
  [
    'V10.3.4',
    2,
    'Strength and recency are taken from the token',
    proved([TOKENS, 'a privileged change wants a recent auth_time']),
  ],
  ['V10.4.1', 1, 'Redirect addresses are registered', NO_CODE_GRANT],
  ['V10.4.2', 1, 'Authorization codes count once', NO_CODE_GRANT],
  ['V10.4.3', 1, 'Authorization codes live shortly', NO_CODE_GRANT],
  [
    'V10.4.4',
    1,
    'Clients use only the grants that they need',
    proved([DEVICE, 'says in the words of OAuth what does not fit, and takes forms nowhere else']),
  ],
  [
    'V10.4.5',
    1,
    'Replayed refresh tokens are noticed',
    proved(
      [DEVICE, 'end the session when one comes again after its successor was used'],
      [DEVICE, 'end the session when one comes again after the grace, which repeating does not prolong'],
    ),
  ],
  ['V10.4.6', 2, 'Codes are guarded by PKCE', NO_CODE_GRANT],
  ['V10.4.7', 2, 'Registration of unknown clients is guarded', none('Clients cannot register.')],
  [
    'V10.4.8',
    2,
    'Refresh tokens end for good',
    proved([
      DEVICE,
      'are void with the session: ended by an administrator, idle, expired, or of a suspended user',
    ]),
  ],
  [
    'V10.4.9',
    2,
    'Refresh tokens can be revoked by their user',
    proved(
      [DEVICE, 'serves a foreign client of the RFCs: device code, refresh, revocation'],
      [DEVICE, 'are void with the session: ended by an administrator, idle, expired, or of a suspended user'],
    ),
  ],
  ['V10.4.10', 2, 'Confidential clients authenticate', none('The only client, the command line, is public.')],
  [
    'V10.4.11',
    2,
    'Clients get the scopes that they need',
    none('There are no scopes: a client acts as its person.'),
  ],
  [
    'V10.5.1',
    2,
    'ID tokens cannot be replayed',
    reading('server/iam/identity-service.ts', 'A nonce for each departure, compared by openid-client.'),
  ],
  [
    'V10.5.2',
    2,
    'Users are known by `sub`',
    proved([PROVIDER, 'opens the account that the identity was linked to']),
  ],
  [
    'V10.5.3',
    2,
    'Metadata of another issuer is refused',
    reading('server/adapters/oidc/oidc-provider.ts', 'openid-client’s discovery compares the issuer.'),
  ],
  [
    'V10.5.4',
    2,
    'ID tokens are for this client',
    reading('server/adapters/oidc/oidc-provider.ts', 'openid-client compares `aud` with the client id.'),
  ],
  ['V10.5.5', 2, 'Logout tokens are checked', none('Back-channel logout is not offered.')],
  ['V10.6.1', 2, 'Only safe response types', NO_PROVIDER],
  ['V10.6.2', 2, 'Nobody is logged out by force', NO_PROVIDER],
  [
    'V10.7.1',
    2,
    'People consent to each authorization',
    proved([DEVICE, 'shows who asks before anybody decides, and tells a denial']),
  ],
  [
    'V10.7.2',
    2,
    'The consent says what it is for',
    proved([DEVICE, 'shows who asks before anybody decides, and tells a denial']),
  ],
  [
    'V10.7.3',
    2,
    'Consents can be taken back',
    proved([DEVICE, 'serves a foreign client of the RFCs: device code, refresh, revocation']),
  ],
  [
    'V13.1.1',
    2,
    'All communication is documented',
    reading('docs/deploying.md', 'Each address that the server calls is a setting with its row.'),
  ],
  [
    'V13.2.1',
    2,
    'Servers authenticate to each other',
    proved([
      'server/adapters/nodes/node-admin-client.test.ts',
      'is refused without the right token, and does not insist',
    ]),
  ],
  [
    'V13.2.2',
    2,
    'Servers have least privileges',
    open(
      'The database role owns its database; the orchestrator’s socket is as powerful as its host (docs/deploying.md says how to have less).',
    ),
  ],
  [
    'V13.2.3',
    2,
    'No default credentials',
    proved([
      'deploy/deploy-files.integration.test.ts',
      'make-secrets.sh keeps what is there, and makes what fits to it',
    ]),
  ],
  [
    'V13.2.4',
    2,
    'Addresses that are called are an allowlist',
    proved(
      [
        'server/adapters/nodes/node-admin-client.test.ts',
        'does not follow a redirect, even to a good answer',
      ],
      [VERIFIER, 'known keys serve for an hour and no longer, and the failure is told'],
    ),
  ],
  [
    'V13.2.5',
    2,
    'The server loads from configured places alone',
    reading('server/configuration.ts', 'No address that a user types is called.'),
  ],
  [
    'V13.3.1',
    2,
    'Secrets are kept by a manager of secrets',
    reading(
      'docs/deploying.md',
      'Secrets come from files that Docker or a vault mounts; they stand in no configuration file.',
    ),
  ],
  [
    'V13.3.2',
    2,
    'Secrets are read by whom they are for',
    reading('deploy/stack.yml', 'Each service mounts the secrets that it needs.'),
  ],
  [
    'V13.4.1',
    1,
    'No source control data is deployed',
    reading('.dockerignore', 'The image copies named folders.'),
  ],
  [
    'V13.4.2',
    2,
    'No debugging in production',
    reading('deploy/Dockerfile', '`NODE_ENV=production`; answers never carry a stack trace in any mode.'),
  ],
  [
    'V13.4.3',
    2,
    'No listings of folders',
    reading('server/http/admin-ui.ts', '`@fastify/static` lists nothing unless asked to.'),
  ],
  [
    'V13.4.4',
    2,
    'No TRACE',
    reading('server/http/register-route.ts', 'Only the methods of the descriptors have routes.'),
  ],
  [
    'V13.4.5',
    2,
    'Documentation and monitoring are exposed on purpose',
    proved(
      [PLANE, 'the API reference and its document answer'],
      [PLANE, 'health, readiness and metrics answer'],
    ),
  ],
  [
    'V14.1.1',
    2,
    'Sensitive data is classified',
    open('Secrets are treated as such everywhere, but no document lists the classes.'),
  ],
  ['V14.1.2', 2, 'Each class has its protection', open('As V14.1.1.')],
  [
    'V14.2.1',
    1,
    'No secrets in addresses',
    reading(
      'docs/adr/0034-links-mail-and-identity-providers.md',
      'Links carry theirs behind `#`; tokens go in headers.',
    ),
  ],
  [
    'V14.2.2',
    2,
    'Nothing sensitive in shared caches',
    reading('server/http/register-route.ts', 'Every answer has `cache-control: no-store`.'),
  ],
  ['V14.2.3', 2, 'Nothing goes to trackers', reading('ui', 'The Admin UI loads nothing from elsewhere.')],
  [
    'V14.2.4',
    2,
    'The classes’ protection is in place',
    proved(
      [SIGN_IN, 'no password, token or proof is in the audit log or with the jobs'],
      [
        FACTORS,
        'no secret of a second factor is in the audit log, with the jobs or readable in the database',
      ],
    ),
  ],
  [
    'V14.3.1',
    1,
    'Signing out clears what the browser holds',
    proved(['e2e/main-job.spec.ts', 'whoever signs in first is told nothing that was asked before']),
  ],
  [
    'V14.3.2',
    2,
    'Answers are not kept by browsers',
    reading('server/http/register-route.ts', 'Every answer has `cache-control: no-store`.'),
  ],
  [
    'V14.3.3',
    2,
    'Nothing sensitive in browser storage',
    reading(
      'ui/app/environment.tsx',
      'The chosen environment; and for a provider’s answer its `state`, in ui/iam/provider-departure.ts.',
    ),
  ],
  [
    'V16.1.1',
    2,
    'An inventory of logs',
    open(
      'The audit log and the server’s log are described in parts (ADR 5, docs/deploying.md), not as one inventory.',
    ),
  ],
  [
    'V16.2.1',
    2,
    'Events say when, where, who and what',
    proved(EVENT, [PLANE, 'request and trace ids of the caller come back and stand in the audit log']),
  ],
  [
    'V16.2.2',
    2,
    'Times have a zone',
    reading('server/db/generated/schema.sql', '`timestamptz` everywhere; pino writes UTC.'),
  ],
  [
    'V16.2.3',
    2,
    'Logs go only where it is documented',
    reading('server/main.ts', 'To standard output, or to `control.log` in the embedded mode.'),
  ],
  ['V16.2.4', 2, 'Logs have one format', reading('server/control-plane.ts', 'JSON by pino.')],
  [
    'V16.2.5',
    2,
    'No secrets in logs',
    proved(
      COMPOSURE,
      [PLANE, 'no password reaches the log'],
      [
        TOKENS,
        'no hostile token gets past the pipeline, all are answered alike, and no part of one reaches the log',
      ],
      [IMAGE, 'stops when it is asked to, having told no secret'],
    ),
  ],
  [
    'V16.3.1',
    2,
    'Signing in is logged, and failing too',
    proved(
      [
        SIGN_IN,
        'answers a wrong password, an unknown email and a suspended user alike, and audits the difference',
      ],
      [FACTORS, 'is refused after five wrong codes, and each is audited'],
    ),
  ],
  ['V16.3.2', 2, 'Denials are logged', proved([MATRIX, 'what is denied is audited, with what was missing'])],
  [
    'V16.3.3',
    2,
    'Attempts to get past controls are logged',
    proved(
      [
        'server/iam/detections.integration.test.ts',
        'of many accounts from one address are told with the address',
      ],
      [
        PLANE,
        'a viewer may look but not migrate, is told what is missing, and the denial is in the audit log',
      ],
    ),
  ],
  [
    'V16.3.4',
    2,
    'Unexpected errors are logged',
    reading('server/http/problem-handler.ts', 'With request id, at error.'),
  ],
  [
    'V16.4.1',
    2,
    'Log lines cannot be forged',
    reading('server/control-plane.ts', 'pino writes JSON strings: line breaks are escaped.'),
  ],
  [
    'V16.4.2',
    2,
    'Logs cannot be changed',
    proved([PLANE, 'the database refuses to change or remove an audit event']),
  ],
  [
    'V16.4.3',
    2,
    'Logs are sent elsewhere',
    reading(
      'deploy/stack.observability.yml',
      'Alloy ships the server’s log to Loki. The audit log stays in the database.',
    ),
  ],
  ['V16.5.1', 2, 'Errors tell nothing of the inside', proved(COMPOSURE)],
  [
    'V16.5.2',
    2,
    'Lost outside systems are survived',
    proved(
      [VERIFIER, 'known keys serve for an hour and no longer, and the failure is told'],
      [
        'e2e/fault-postgres.spec.ts',
        'again and again under changes: each change is made once, and answered as it went',
      ],
    ),
  ],
  [
    'V16.5.3',
    2,
    'Failures fail closed',
    proved(COMPOSURE, [PLANE, 'nothing is kept of a request that was refused']),
  ],
];

export const REQUIREMENTS: readonly Requirement[] = LINES.map(([number, level, title, verdict]) => ({
  number,
  level,
  title,
  verdict,
}));
