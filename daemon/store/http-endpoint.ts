// HTTP to one etcd endpoint: every request ends in time, and says whether it may have been carried out.
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as overHttp } from 'node:http';
import type { Credentials } from './credentials.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE' | 'POST';
  /** With the query. */
  readonly path: string;
  readonly form?: Readonly<Record<string, string>>;
  /** Sent as JSON, in place of a form. */
  readonly json?: object;
  /** Milliseconds to wait for a body after the headers came; then the answer has none. Else it has to come in time. */
  readonly patience?: number | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** etcd's index at the moment of the answer (`X-Etcd-Index`); 0 when it did not tell. */
  readonly index: number;
  readonly text: string;
}

export interface HttpEndpoint {
  /** Rejects with {@link Unanswered}, or with the signal's reason. */
  ask(request: HttpRequest, signal?: AbortSignal): Promise<HttpAnswer>;
  close(): void;
}

/** No answer: refused, broken off, or not in time. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
  /** Whether etcd may have done what was asked. */
  readonly sent: boolean;

  constructor(message: string, sent: boolean, cause?: unknown) {
    super(message, { cause });
    this.sent = sent;
  }
}

/** `origin` is `http://host:port` or `https://host:port`; an answer may take so many milliseconds. */
export function createHttpEndpoint(
  origin: string,
  credentials: Credentials,
  answerTimeout = 2500,
): HttpEndpoint {
  const { ca, certificate: cert, key, username, password } = credentials;
  // Loaded only when it is used: it takes all of Node's cryptography with it.
  const tls = origin.startsWith('https:') ? process.getBuiltinModule('node:https') : undefined;
  const kept = { keepAlive: true, keepAliveMsecs: 10_000 };
  const agent = tls
    ? new tls.Agent({ ...kept, ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) })
    : new HttpAgent(kept);
  const identity = Buffer.from(`${username}:${password}`).toString('base64');
  const authorization = username && password ? { authorization: `Basic ${identity}` } : {};

  function start({ method, path, form, json }: HttpRequest): ClientRequest {
    const body = json ? JSON.stringify(json) : form && new URLSearchParams(form).toString();
    const kind = json ? 'application/json' : 'application/x-www-form-urlencoded';
    const type = body ? { 'content-type': kind } : {};
    const length = body ? { 'content-length': Buffer.byteLength(body) } : {};
    const headers = { ...authorization, ...type, ...length };
    const outgoing = (tls?.request ?? overHttp)(origin + path, { method, agent, headers });
    return outgoing.end(body);
  }

  return {
    async ask(request, signal) {
      try {
        return await answered(start(request), origin, request.patience, answerTimeout, signal);
      } catch (error) {
        // Others that are kept may be as dead, and each would cost a request its time.
        for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
        throw error;
      }
    },
    close: () => agent.destroy(),
  };
}

function answered(
  outgoing: ClientRequest,
  origin: string,
  patience: number | undefined,
  answerTimeout: number,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    let sent = false;
    let timer = setTimeout(late, answerTimeout);
    const abort = () => outgoing.destroy(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    outgoing.once('close', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    });
    outgoing.once('socket', socket => {
      if (socket.connecting)
        socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => (sent = true));
      else sent = true;
    });
    outgoing.on('error', fail);
    outgoing.once('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      const finish = () => {
        const { statusCode: status = 0, headers } = response;
        resolve({
          status,
          index: Number(headers['x-etcd-index'] ?? 0),
          text: Buffer.concat(chunks).toString(),
        });
      };
      if (patience !== undefined) {
        clearTimeout(timer);
        timer = setTimeout(() => {
          finish();
          outgoing.destroy();
        }, patience);
      }
      response.on('data', (chunk: Buffer) => {
        if (chunks.push(chunk) > 1 || patience === undefined) return;
        clearTimeout(timer);
        timer = setTimeout(late, answerTimeout);
      });
      response.once('end', finish);
      response.once('aborted', () => fail(new Error('the connection ended in the middle of an answer')));
    });

    function late() {
      outgoing.destroy(new Error(`no answer within ${answerTimeout / 1000} s`));
    }

    function fail(error: Error) {
      if (signal?.aborted) reject(signal.reason);
      else reject(new Unanswered(`${origin}: ${error.message || String(error)}`, sent, error));
    }
  });
}
