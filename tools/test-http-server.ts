/** An HTTP server on a free port that answers as a test tells it, and keeps what it was asked. For outside systems that cannot be run here. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TestRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface TestReply {
  status?: number;
  /** Text, or what is sent as JSON. */
  body: unknown;
}

export interface TestHttpServer {
  url: string;
  requests: TestRequest[];
  /** Answers the next requests; null hangs up. */
  answer: (reply: (request: TestRequest) => TestReply | null | Promise<TestReply | null>) => void;
  close: () => Promise<void>;
}

/** Answers 404 until it is told what to say. */
export async function startTestHttpServer(): Promise<TestHttpServer> {
  const requests: TestRequest[] = [];
  let reply: Parameters<TestHttpServer['answer']>[0] = () => ({ status: 404, body: 'not found' });
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://test');
      const request = {
        method: incoming.method ?? '',
        path: pathname,
        query: searchParams,
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString(),
      };
      requests.push(request);
      void Promise.resolve(reply(request)).then((said) => {
        if (said === null) return incoming.socket.destroy();
        const text = typeof said.body === 'string' ? said.body : JSON.stringify(said.body);
        return response.writeHead(said.status ?? 200).end(text);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (next) => (reply = next),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
