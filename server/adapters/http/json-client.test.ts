import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceError } from '#server/observability/outside-source.ts';
import { createJsonClient, type HttpCredentials } from './json-client.ts';

const answer = Compile(Type.Object({ status: Type.Literal('success') }));

describe('an outside server', () => {
  let server: Server;
  let url: string;
  let reply: RequestListener;
  const asked: { url: string; authorization: string | undefined }[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push({ url: request.url ?? '', authorization: request.headers.authorization });
      reply(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const says =
    (status: number, body: string, headers = {}): RequestListener =>
    (_request, response) => {
      response.writeHead(status, headers).end(body);
    };
  const ask = (credentials: HttpCredentials | null = null, signal?: AbortSignal) =>
    createJsonClient('vmalert', { url, credentials }, { timeout_ms: 300, most_bytes: 10_000 }).call({
      path: '/api/v1/alerts',
      query: { query: 'a"&b', tags: ['one', 'two'] },
      answer,
      ...(signal && { signal }),
    });
  const failure = (call: Promise<unknown>): Promise<SourceError> =>
    call.then(
      () => expect.unreachable('the call must fail'),
      (error: unknown) => error as SourceError,
    );
  const token = 'glsa_top/secret+value';
  const bearer: HttpCredentials = { kind: 'bearer', token: () => token };

  it('is asked below its path prefix, with the token, and each parameter escaped', async () => {
    reply = says(200, '{"status":"success"}');
    expect(await ask(bearer)).toEqual({ status: 'success' });
    expect(asked.at(-1)).toEqual({
      url: '/prefix/api/v1/alerts?query=a%22%26b&tags=one&tags=two',
      authorization: `Bearer ${token}`,
    });
    await ask({ kind: 'basic', user: 'control', password: () => 'hidden' });
    expect(asked.at(-1)?.authorization).toBe(`Basic ${btoa('control:hidden')}`);
  });

  it.each<[string, RequestListener, object]>([
    [
      'fails, in its own words',
      says(422, '{"status":"error","error":"cannot parse\\n  expression"}'),
      { code: 'bad_status', detail: '/api/v1/alerts answers 422: cannot parse expression' },
    ],
    [
      'fails with text',
      says(500, 'out of memory'),
      { code: 'bad_status', detail: expect.stringContaining('500: out of memory') },
    ],
    ['refuses the credentials', says(401, ''), { code: 'refused', detail: expect.stringContaining('(401)') }],
    [
      'answers rubbish',
      says(200, '{"status":'),
      { code: 'bad_response', detail: '/api/v1/alerts answers no JSON' },
    ],
    ['answers a page', says(200, '<html>sign in</html>'), { code: 'bad_response' }],
    [
      'answers another shape',
      says(200, '{"status":"error"}'),
      { code: 'bad_response', detail: expect.stringContaining('/status') },
    ],
    [
      'leads elsewhere',
      says(302, '', { location: 'http://elsewhere.example/' }),
      { code: 'bad_response', detail: expect.stringContaining('redirected (302)') },
    ],
    ['never answers', () => undefined, { code: 'timeout', detail: expect.stringContaining('300 ms') }],
    [
      'stops in the middle',
      (_request, response) => void response.writeHead(200).write('{"status":'),
      { code: 'timeout' },
    ],
    [
      'hangs up',
      (request) => void request.socket.destroy(),
      { code: 'unreachable', detail: expect.stringContaining('connection failed') },
    ],
  ])('that %s is reported as such', async (_what, listener, expected) => {
    reply = listener;
    const error = await failure(ask());
    expect(error).toMatchObject(expected);
    expect(error.message).toContain(`vmalert ${url}: `);
  });

  it('that is away is reported with its address', async () => {
    const once = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => once.once('listening', resolve));
    const away = `http://127.0.0.1:${(once.address() as AddressInfo).port}`;
    await new Promise((resolve) => once.close(resolve));
    const gone = createJsonClient('Loki', { url: away, credentials: null });
    expect((await failure(gone.call({ path: '/', answer }))).message).toBe(
      `Loki ${away}: nothing listens there (ECONNREFUSED)`,
    );
  });

  it('that answers without end is not read to the end', async () => {
    let sent = 0;
    reply = (_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536))) sent += 65_536;
      };
      response.on('drain', more);
      more();
    };
    expect(await failure(ask())).toMatchObject({
      code: 'bad_response',
      detail: '/api/v1/alerts answers more than 10000 bytes',
    });
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });

  it('that repeats the credentials in its error does not show them', async () => {
    reply = (request, response) => {
      response.writeHead(400).end(JSON.stringify({ message: `bad header ${request.headers.authorization}` }));
    };
    const basic: HttpCredentials = { kind: 'basic', user: 'control', password: () => 'hidden' };
    for (const [credentials, secret] of [
      [bearer, token],
      [basic, btoa('control:hidden')],
    ] as const) {
      const { message } = await failure(ask(credentials));
      expect(message).toContain('bad header');
      expect(message).not.toContain(secret);
    }
  });

  it('is not called with credentials that no header can hold, and they are not shown', async () => {
    reply = says(200, '{"status":"success"}');
    const before = asked.length;
    const error = await failure(ask({ kind: 'bearer', token: () => 'two\nlines' }));
    expect(error).toMatchObject({ code: 'refused' });
    expect(String(error.stack)).not.toContain('two\nlines');
    const unreadable = () => {
      throw new Error('EACCES');
    };
    expect(await failure(ask({ kind: 'bearer', token: unreadable }))).toMatchObject({ code: 'refused' });
    expect(asked).toHaveLength(before);
  });

  it('is left when the caller goes away, with the caller’s reason', async () => {
    const caller = new AbortController();
    const reason = new Error('not needed any more');
    reply = () => caller.abort(reason);
    expect(await failure(ask(null, caller.signal))).toBe(reason);
  });
});
