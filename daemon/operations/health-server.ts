// Serves /healthz, /readyz and /metrics over HTTP, as probes and Prometheus ask for them.
import { createServer, type ServerResponse } from 'node:http';
import { describeError, UserError } from '../../lib/errors.ts';

export interface HealthPages {
  /** Undefined while the daemon is alive, else what keeps it from doing anything. */
  readonly stuck: () => string | undefined;
  /** `ready`, `not yet`, or why it is no longer ready. */
  readonly readiness: () => 'ready' | 'not yet' | readonly string[];
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
}

export interface Listening extends AsyncDisposable {
  readonly port: number;
}

/** Resolves when it listens; rejects with a UserError when it cannot. Disposing cuts every connection. */
export async function serveHealth(
  { ip, port }: { readonly ip: string; readonly port: number },
  pages: HealthPages,
): Promise<Listening> {
  const server = createServer({ requestTimeout: 10_000 }, ({ url = '/' }, response) => {
    answer(url.replace(/\?.*/s, ''), pages, response).catch((error: unknown) => {
      response.writeHead(500).end(describeError(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause =>
      reject(
        new UserError(`cannot serve health on ${ip} port ${port}: ${cause.message}`, {
          cause,
          hint: 'give another -healthz-port or -healthz-ip; 0 as the port turns it off',
        }),
      ),
    );
    server.listen(port, ip, resolve);
  });
  server.on('error', () => {}); // one connection that could not be accepted; the next may be
  server.unref();
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Bodies and codes are upstream's where it has them. */
async function answer(path: string, pages: HealthPages, response: ServerResponse): Promise<void> {
  const send = (code: number, text: string, type = 'text/plain; charset=utf-8') => {
    const length = Buffer.byteLength(text);
    response.writeHead(code, { 'content-type': type, 'content-length': length }).end(text);
  };
  if (path === '/healthz') {
    const stuck = pages.stuck();
    return stuck === undefined ? send(200, 'flanneld is running') : send(503, `flanneld is stuck: ${stuck}`);
  }
  if (path === '/readyz') {
    const readiness = pages.readiness();
    if (readiness === 'ready') return send(200, 'flanneld is ready');
    if (readiness === 'not yet') return send(503, 'flanneld is not ready yet');
    return send(503, `flanneld is not ready: ${readiness.join('; ')}`);
  }
  if (path === '/metrics') return send(200, await pages.metrics.text(), pages.metrics.contentType);
  send(404, '404 page not found\n');
}
