import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TokenRefused, type TokenVerifier } from '#server/iam/token-verifier.ts';
import { hostileTokens } from '#tools/hostile-tokens.ts';
import { AUDIENCE, makeKey, startTestTokenIssuer, type TestTokenIssuer } from '#tools/test-token-issuer.ts';
import { openTokenVerifier, type TokenIssuerSettings } from './jose-token-verifier.ts';

const SKEW_S = 30;
let issuer: TestTokenIssuer;
let verifier: TokenVerifier;
/** Added to the clock that the verifier sees. */
let ahead_ms = 0;

const settingsOf = (
  { issuer: iss, jwks_url }: TestTokenIssuer,
  changed: Partial<TokenIssuerSettings> = {},
): TokenIssuerSettings => ({
  issuer_id: 'gateway',
  title: 'Gateway',
  issuer: iss,
  audience: AUDIENCE,
  jwks_url,
  algorithms: ['ES256'],
  clock_skew_s: SKEW_S,
  environment: null,
  ...changed,
});
const open = (settings = settingsOf(issuer)) => openTokenVerifier([settings], () => Date.now() + ahead_ms);
const outcome = (token: string, by = verifier): Promise<string> =>
  by.verify(token).then(
    () => 'accepted',
    (error: unknown) => (error instanceof TokenRefused ? error.kind : `threw ${String(error)}`),
  );
const seconds = () => Math.floor(Date.now() / 1000);

beforeEach(async () => {
  ahead_ms = 0;
  issuer = await startTestTokenIssuer();
  verifier = open();
});
afterEach(() => issuer.close());

it('a token of the issuer proves who it is for, and nothing else', async () => {
  const auth_time = seconds() - 60;
  const token = await issuer.sign({ auth_time, roles: ['owner'], scope: '*', permissions: ['*'] });
  expect(await verifier.verify(token)).toEqual({
    issuer_id: 'gateway',
    issuer_title: 'Gateway',
    issuer: issuer.issuer,
    environment: null,
    subject: 'person-1',
    session_id: 'session-1',
    authenticated_at: new Date(auth_time * 1000).toISOString(),
  });
  expect(await outcome(await issuer.sign({ aud: ['elsewhere', AUDIENCE] }))).toBe('accepted');
  expect(await outcome(await issuer.sign({}, { typ: 'application/AT+JWT' }))).toBe('accepted');
});

it('no hostile token is accepted, and only an expired one is told why', async () => {
  const wrong: string[] = [];
  const tokens = await hostileTokens(issuer);
  for (const [name, token] of tokens) {
    const told = await outcome(token);
    if (told !== (name === 'expired' ? 'expired' : 'unproven')) wrong.push(`${name}: ${told}`);
  }
  expect(wrong).toEqual([]);
  expect(tokens.size).toBeGreaterThan(100);
});

it('clocks may differ by the configured skew and not by more', async () => {
  const now = seconds();
  const frozen = openTokenVerifier([settingsOf(issuer)], () => now * 1000);
  const at = async (claims: Record<string, unknown>) => outcome(await issuer.sign(claims), frozen);
  expect(await at({ exp: now - SKEW_S + 1 })).toBe('accepted');
  expect(await at({ exp: now - SKEW_S })).toBe('expired');
  expect(await at({ nbf: now + SKEW_S })).toBe('accepted');
  expect(await at({ nbf: now + SKEW_S + 1 })).toBe('unproven');
  expect(await at({ iat: now + SKEW_S })).toBe('accepted');
  expect(await at({ iat: now + SKEW_S + 1 })).toBe('unproven');
});

describe('each allowed algorithm', () => {
  const issuers: TestTokenIssuer[] = [];
  afterAll(() => Promise.all(issuers.map((one) => one.close())));
  it('is accepted where it is configured, and refused where another of the same key type is', async () => {
    for (const [alg, other] of [
      ['RS256', 'PS256'],
      ['PS256', 'RS256'],
      ['RS512', 'RS256'],
      ['ES384', 'ES256'],
      ['EdDSA', 'ES256'],
    ] as const) {
      const one = await startTestTokenIssuer(alg);
      issuers.push(one);
      const token = await one.sign();
      expect(await outcome(token, open(settingsOf(one, { algorithms: [alg] })))).toBe('accepted');
      expect(await outcome(token, open(settingsOf(one, { algorithms: [other] })))).toBe('unproven');
    }
  });
});

it('a key that the issuer publishes for another use, too short, or off its curve verifies nothing', async () => {
  const encryption = await makeKey('ES256', 'encryption');
  const derive = await makeKey('ES256', 'derive');
  const off = await makeKey('ES256', 'off-curve');
  issuer.publish(
    { ...encryption.public, use: 'enc' },
    { ...derive.public, key_ops: ['deriveBits'] },
    { ...off.public, y: off.public.x ?? '' },
    { kty: 'oct', kid: 'shared', alg: 'HS256', k: 'c2VjcmV0' },
    { kty: 'RSA', kid: 'short', alg: 'RS256', n: Buffer.alloc(64, 0xc5).toString('base64url'), e: 'AQAB' },
  );
  for (const key of [
    encryption,
    derive,
    off,
    { ...encryption, kid: 'shared' },
    { ...encryption, kid: 'short' },
  ])
    expect([key.kid, await outcome(await issuer.sign({}, {}, key))]).toEqual([key.kid, 'unproven']);
  expect(await outcome(await issuer.sign())).toBe('accepted');
});

it('an Ed25519 key of small order, under which zeros sign everything, verifies nothing', async () => {
  const edwards = await startTestTokenIssuer('EdDSA');
  const points = [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    `01${'00'.repeat(30)}80`,
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    `ec${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}ff`,
  ];
  edwards.publish(
    ...points.map((hex, index) => ({
      kty: 'OKP',
      crv: 'Ed25519',
      kid: `weak-${index}`,
      x: Buffer.from(hex, 'hex').toString('base64url'),
    })),
  );
  const by = open(settingsOf(edwards, { algorithms: ['EdDSA'] }));
  const [, payload] = (await edwards.sign()).split('.');
  const zeros = [`01${'00'.repeat(63)}`, '00'.repeat(64)];
  for (const [index] of points.entries())
    for (const signature of zeros) {
      const header = { alg: 'EdDSA', kid: `weak-${index}`, typ: 'at+jwt' };
      const token = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.${Buffer.from(signature, 'hex').toString('base64url')}`;
      expect([header.kid, await outcome(token, by)]).toEqual([header.kid, 'unproven']);
    }
  expect(by.issuers()[0]?.keys.map(({ kid }) => kid)).toEqual(['first']);
  await edwards.close();
});

it('a new key is accepted while the old one still is, under load with few readings; one that was taken away is not', async () => {
  const old = await issuer.sign();
  expect(await outcome(old)).toBe('accepted');
  await issuer.rotate('second');
  ahead_ms += 11_000;
  const tokens = await Promise.all(
    Array.from({ length: 50 }, (_, index) => issuer.sign({ sub: `person-${index}` })),
  );
  const outcomes = await Promise.all([...tokens, old].map((token) => outcome(token)));
  expect(new Set(outcomes)).toEqual(new Set(['accepted']));
  expect(issuer.calls()).toBe(2);

  await issuer.rotate('third', false);
  ahead_ms += 11_000;
  expect(await outcome(await issuer.sign())).toBe('accepted');
  expect(await outcome(old)).toBe('unproven');
});

it('tokens with invented key ids do not have the issuer called more than once in a while', async () => {
  await outcome(await issuer.sign());
  ahead_ms += 11_000;
  const stranger = await makeKey('ES256');
  for (let index = 0; index < 30; index++)
    await outcome(await issuer.sign({}, { kid: `invented-${index}` }, stranger));
  expect(issuer.calls()).toBe(2);
  expect(await outcome(await issuer.sign())).toBe('accepted');
});

it('an issuer that nobody configured is not called, nor one whose tokens are malformed', async () => {
  await outcome(await issuer.sign({ iss: 'https://attacker.example' }));
  await outcome('a.b.c');
  expect(issuer.calls()).toBe(0);
});

describe('while the JWKS cannot be read', () => {
  const faults: [string, Parameters<TestTokenIssuer['fail']>[0], RegExp][] = [
    ['it answers 500', (response) => response.writeHead(500).end('boom'), /answers 500/],
    [
      'it is redirected',
      (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
      /answers 302/,
    ],
    ['it answers no JSON', (response) => response.end('<html>'), /no JSON/],
    ['it answers other JSON', (response) => response.end('[1]'), /no set of/],
    ['it answers no key', (response) => response.end('{"keys":[]}'), /no set of/],
    ['its keys are no objects', (response) => response.end('{"keys":[1]}'), /malformed/],
    ['it answers without end', (response) => response.end('x'.repeat(300_000)), /more than 262144 bytes/],
    ['it hangs up', (response) => response.destroy(), /cannot be reached/],
  ];

  it('known keys serve for an hour and no longer, and the failure is told', async () => {
    const lasting = await issuer.sign({ exp: seconds() + 5 * 3600 });
    expect(await outcome(lasting)).toBe('accepted');
    for (const [name, fault, detail] of faults) {
      issuer.fail(fault);
      ahead_ms += 11_000;
      const unknown = await outcome(await issuer.sign({}, { kid: 'unknown' }));
      expect([name, unknown, await outcome(lasting)]).toEqual([name, 'unproven', 'accepted']);
      expect(verifier.issuers()[0]?.last_failure?.detail).toMatch(detail);
    }
    ahead_ms = 59 * 60_000;
    expect(await outcome(lasting)).toBe('accepted');
    ahead_ms = 61 * 60_000;
    expect(await outcome(lasting)).toBe('unproven');
    expect(verifier.issuers()[0]?.keys).toEqual([]);

    issuer.fail(null);
    ahead_ms += 11_000;
    expect(await outcome(lasting)).toBe('accepted');
    expect(verifier.issuers()[0]).toMatchObject({ last_failure: null, keys: [{ kid: 'first', kty: 'EC' }] });
  });
});
