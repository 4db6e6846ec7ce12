import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  confirmTotpEnrolment,
  createUser,
  getUser,
  listUsers,
  login,
  me,
  suspendUser,
} from '#contract/iam.ts';
import { skipJob } from '#contract/jobs.ts';
import { PROBLEMS, type ProblemCode } from '#contract/problem.ts';
import { listTenants } from '#contract/tenants.ts';
import { addressOf, call, NetworkError, ProblemError, StepUpCancelledError } from './client.ts';

import { keepCsrfToken, safeReturnTo, signInAddress } from './session.ts';
import { registerStepUpPrompter, requestHash } from './step-up.ts';

const USER = '0198c5b4-0000-7000-8000-000000000001';

interface Sent {
  method: string;
  url: string;
  headers: Headers;
  body: string | undefined;
}
let sent: Sent[];
let answers: (Response | Error)[];

const json = (body: unknown, init: ResponseInit = {}) => Response.json(body, init);
const problem = (code: ProblemCode, details?: unknown, headers: Record<string, string> = {}) =>
  new Response(
    JSON.stringify({
      type: 'about:blank',
      ...PROBLEMS[code],
      detail: 'Because.',
      code,
      request_id: 'req-1',
      details,
    }),
    { status: PROBLEMS[code].status, headers: { 'content-type': 'application/problem+json', ...headers } },
  );
const at = (index: number): Sent => {
  const one = sent[index];
  if (!one) throw new Error(`no request ${index}; there were ${sent.length}`);
  return one;
};

beforeEach(() => {
  sent = [];
  answers = [];
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    sent.push({
      method: init.method ?? 'GET',
      url,
      headers: new Headers(init.headers),
      body: init.body as string | undefined,
    });
    init.signal?.throwIfAborted();
    const answer = answers.shift();
    if (!answer) throw new Error('no answer prepared');
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  vi.stubGlobal('location', { pathname: '/tenants', search: '?q=a', hash: '', assign: vi.fn<() => void>() });
  keepCsrfToken(null);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('an address', () => {
  it('fills in and encodes path parameters', () => {
    expect(addressOf(getUser, { params: { user_id: 'a/b ?' } })).toBe('/admin/v1/iam/users/a%2Fb%20%3F');
    expect(() => addressOf(getUser, { params: {} })).toThrow('user_id');
  });

  it('repeats a query parameter for an array, and leaves empty ones out', () => {
    const query = { status: ['active', 'degraded'], q: '', plan: undefined, limit: 50 };
    expect(addressOf(listTenants, { query })).toBe(
      '/admin/v1/tenants?status=active&status=degraded&limit=50',
    );
  });
});

describe('a read', () => {
  it('answers data, etag and status, and sends neither key nor token', async () => {
    keepCsrfToken('csrf');
    answers = [json({ email: 'a@b.c' }, { headers: { etag: '"7"' } })];
    const answer = await call(getUser, { params: { user_id: USER } });
    expect(answer).toEqual({ data: { email: 'a@b.c' }, etag: '"7"', status: 200 });
    expect(at(0).headers.has('idempotency-key')).toBe(false);
    expect(at(0).headers.has('x-csrf-token')).toBe(false);
  });

  it('that was left ends in an abort, not in an error to show', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(call(listUsers, { signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it('says what kind of non-answer there was', async () => {
    answers = [new TypeError('fetch failed')];
    await expect(call(listUsers)).rejects.toMatchObject({ name: 'NetworkError', kind: 'unreachable' });
    answers = [new Response('<h1>502</h1>', { status: 502, headers: { 'content-type': 'text/html' } })];
    await expect(call(listUsers)).rejects.toMatchObject({ name: 'NetworkError', kind: 'not_json' });
    answers = [new Response('{', { headers: { 'content-type': 'application/json' } })];
    await expect(call(listUsers)).rejects.toBeInstanceOf(NetworkError);
  });

  it('carries the seconds to wait of a rate limit', async () => {
    answers = [problem('rate_limited', undefined, { 'retry-after': '42' })];
    await expect(call(listUsers)).rejects.toMatchObject({ code: 'rate_limited', retry_after_s: 42 });
  });
});

describe('a change', () => {
  it('sends the CSRF token that the login gave', async () => {
    answers = [json({ user: {}, csrf_token: 'one' }), json({})];
    await call(login, { body: { email: 'a@b.c', password: 'x' } });
    await call(suspendUser, { params: { user_id: USER }, body: { reason: 'leaves' }, if_match: '"3"' });
    expect(at(1).headers.get('x-csrf-token')).toBe('one');
    expect(at(1).headers.get('if-match')).toBe('"3"');
    expect(at(1).headers.get('idempotency-key')).toMatch(/^[0-9a-f-]{36}$/);
    expect(at(1).body).toBe('{"reason":"leaves"}');
  });

  it('keeps its CSRF token when an enrolment is answered by a replay, which has none', async () => {
    keepCsrfToken('mine');
    answers = [json({ job_id: USER, csrf_token: null, recovery_codes: null }), json({})];
    await call(confirmTotpEnrolment, { body: { code: '123456' } });
    await call(suspendUser, { params: { user_id: USER }, body: { reason: 'leaves' } });
    expect(at(1).headers.get('x-csrf-token')).toBe('mine');
  });

  it('reads a new CSRF token once when another tab has made it stale', async () => {
    keepCsrfToken('old');
    answers = [problem('csrf_failed'), json({ csrf_token: 'new' }), json({ ok: true })];
    await call(suspendUser, { params: { user_id: USER }, body: { reason: 'leaves' } });
    expect(sent.map(({ url }) => url)).toEqual([at(0).url, me.path, at(0).url]);
    expect(at(2).headers.get('x-csrf-token')).toBe('new');
    expect(at(2).headers.get('idempotency-key')).toBe(at(0).headers.get('idempotency-key'));

    answers = [problem('csrf_failed'), json({ csrf_token: 'new' }), problem('csrf_failed')];
    await expect(
      call(suspendUser, { params: { user_id: USER }, body: { reason: 'leaves' } }),
    ).rejects.toMatchObject({ code: 'csrf_failed' });
  });
});

describe('a step-up', () => {
  const demand = (acr_values: string) =>
    problem('insufficient_user_authentication', { acr_values, max_age: 300 });
  const body = { email: 'n@b.c', display_name: 'N', password: 'correct horse battery' };

  it('asks, confirms and repeats under the same key with the new token', async () => {
    const asked: string[] = [];
    const forget = registerStepUpPrompter(async ({ endpoint, level, confirm }) => {
      asked.push(`${endpoint.id} ${level}`);
      await expect(confirm({ password: 'wrong' })).rejects.toBeInstanceOf(ProblemError);
      await confirm({ password: 'right' });
    });
    keepCsrfToken('before');
    answers = [
      demand('recent'),
      problem('invalid_credentials'),
      json({ authenticated_at: '', csrf_token: 'after', proof: null }),
      json({ user: {} }, { status: 201 }),
    ];
    const { status } = await call(createUser, { body });
    forget();
    expect(status).toBe(201);
    expect(asked).toEqual(['iam.users.create recent']);
    expect(at(3).headers.get('x-csrf-token')).toBe('after');
    expect(at(3).headers.has('x-step-up-proof')).toBe(false);
    expect(at(3).headers.get('idempotency-key')).toBe(at(0).headers.get('idempotency-key'));
  });

  it('binds a proof to the canonical form of the body', async () => {
    const forget = registerStepUpPrompter(({ confirm }) => confirm({ password: 'right' }));
    answers = [
      demand('bound'),
      json({ csrf_token: 'c', proof: 'p-1' }),
      json({ job_id: USER }, { status: 202 }),
    ];
    await call(skipJob, { params: { job_id: USER }, body: { reason: 'über' } });
    forget();
    const hash = createHash('sha256').update('{"reason":"über"}').digest('hex');
    expect(JSON.parse(at(1).body ?? '')).toEqual({ password: 'right', request_hash: hash });
    expect(at(2).headers.get('x-step-up-proof')).toBe('p-1');
    expect(await requestHash({ b: 1, a: { d: undefined, c: 2 } })).toBe(
      createHash('sha256').update('{"a":{"c":2},"b":1}').digest('hex'),
    );
  });

  it('that is cancelled sends nothing more', async () => {
    const forget = registerStepUpPrompter(() => Promise.reject(new StepUpCancelledError()));
    answers = [demand('recent')];
    await expect(call(createUser, { body })).rejects.toBeInstanceOf(StepUpCancelledError);
    forget();
    expect(sent).toHaveLength(1);
  });

  it('that does not satisfy the server is not asked for twice', async () => {
    const forget = registerStepUpPrompter(({ confirm }) => confirm({ password: 'right' }));
    answers = [demand('recent'), json({ csrf_token: 'c', proof: null }), demand('recent')];
    await expect(call(createUser, { body })).rejects.toMatchObject({
      code: 'insufficient_user_authentication',
    });
    forget();
  });

  it('is one prompt for several requests at once', async () => {
    let prompts = 0;
    const forget = registerStepUpPrompter(async ({ confirm }) => {
      prompts += 1;
      await confirm({ password: 'right' });
    });
    answers = [
      demand('recent'),
      demand('recent'),
      json({ csrf_token: 'c', proof: null }),
      json({}),
      json({}),
    ];
    await Promise.all([call(createUser, { body }), call(createUser, { body })]);
    forget();
    expect(prompts).toBe(1);
  });
});

describe('a session that has ended', () => {
  it('leads to the sign-in page and back, once', async () => {
    keepCsrfToken('csrf');
    answers = [problem('session_revoked'), problem('session_revoked'), problem('session_revoked')];
    await Promise.all([
      expect(call(listUsers)).rejects.toBeInstanceOf(ProblemError),
      expect(call(listUsers)).rejects.toBeInstanceOf(ProblemError),
    ]);
    expect(sent.map(({ url }) => url)).toEqual([listUsers.path, listUsers.path, me.path]);
    expect(location.assign).toHaveBeenCalledExactlyOnceWith(
      '/sign-in?return_to=%2Ftenants%3Fq%3Da&why=revoked',
    );
  });

  it('is not believed of a request that crossed a renewed cookie', async () => {
    keepCsrfToken('before');
    answers = [problem('session_revoked'), json({ csrf_token: 'after' }), json({ items: [] })];
    await expect(call(listUsers)).resolves.toMatchObject({ data: { items: [] } });
    expect(location.assign).not.toHaveBeenCalled();
  });

  it('is not announced to somebody who just opened the product', () => {
    expect(signInAddress('/', null)).toBe('/sign-in');
  });
});

describe('where to go after signing in', () => {
  const origin = 'https://control.example';
  it.each([
    ['/tenants?q=a#b', '/tenants?q=a#b'],
    ['/', '/'],
    ['//evil.example/x', '/'],
    ['/\\evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['https://evil.example/', '/'],
    ['javascript:alert(1)', '/'],
    ['/sign-in?return_to=/x', '/'],
    ['', '/'],
    [undefined, '/'],
  ])('%s → %s', (given, expected) => {
    expect(safeReturnTo(given, origin)).toBe(expected);
  });
});
