// The keys API of etcd v2 over several endpoints: reads go on to the next one, writes only when they cannot have arrived.
import * as z from 'zod/mini';
import type { Credentials } from './credentials.ts';
import { createHttpEndpoint, type HttpAnswer, type HttpRequest, Unanswered } from './etcd2-http.ts';

/** A key or a directory, as etcd v2 prints it. */
export interface Node {
  /** With a leading slash, also where the request had none. */
  readonly key: string;
  readonly value: string;
  readonly dir: boolean;
  readonly modifiedIndex: number;
  /** Seconds left; undefined for one that stays. */
  readonly ttl: number | undefined;
  /** When it ends, on etcd's clock. */
  readonly expiration: string | undefined;
  readonly nodes: readonly Node[];
}

export interface Answer {
  readonly index: number;
  /** `get`, `create`, `set`, `delete`, `expire` …; undefined when a watch had nothing to tell. */
  readonly action: string | undefined;
  readonly node: Node | undefined;
}

/** etcd's error codes that a registry has to tell apart. */
export const codes = {
  keyNotFound: 100,
  compareFailed: 101,
  notAFile: 102,
  nodeExists: 105,
  indexCleared: 401,
} as const;

/** etcd answered that it will not. */
export class Refused extends Error {
  override readonly name = 'Refused';
  /** One of {@link codes} or another; 0 for an answer that is none of etcd's. */
  readonly code: number;
  readonly index: number;

  constructor(message: string, code: number, index: number) {
    super(message);
    this.code = code;
    this.index = index;
  }
}

export interface Etcd2Client {
  /** Asks each endpoint once, beginning with the one that answered last. */
  get(key: string, query: string, signal: AbortSignal): Promise<Answer>;
  /** Rejects with an {@link Unanswered} that is `sent` when nobody knows whether the write happened. */
  write(
    method: 'PUT' | 'DELETE',
    key: string,
    query: string,
    form: HttpRequest['form'],
    signal: AbortSignal,
  ): Promise<Answer>;
  /** Asks the endpoint in use only; with `patience`, the answer may take as many milliseconds, and be empty. */
  getHere(key: string, query: string, signal: AbortSignal, patience?: number): Promise<Answer>;
  /** The version of etcd at the other end, such as `2.3.8`; undefined when what is there does not say. */
  version(signal: AbortSignal): Promise<string | undefined>;
  close(): void;
}

/** Does not connect yet. `origins` as {@link parseEndpoints} gives them. */
export function createEtcd2Client(origins: readonly string[], credentials: Credentials): Etcd2Client {
  const endpoints = origins.map(origin => createHttpEndpoint(origin, credentials));
  let current = 0;

  async function askOne(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const at = current;
    try {
      const answer = await (endpoints[at] ?? raise()).ask(request, signal);
      if (answer.status < 500) return answer;
      // Its cluster has no leader, or it is a proxy that found none of its servers; a write may come through yet.
      throw new Unanswered(`${origins[at]}: ${answer.status} ${answer.text.slice(0, 200).trim()}`, true);
    } catch (error) {
      if (error instanceof Unanswered && at === current) current = (at + 1) % endpoints.length;
      throw error;
    }
  }

  async function askEach(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    for (let left = endpoints.length; ; ) {
      try {
        return await askOne(request, signal);
      } catch (error) {
        const again = error instanceof Unanswered && (request.method === 'GET' || !error.sent);
        if (!again || --left <= 0) throw error;
      }
    }
  }

  const path = (key: string, query: string) =>
    `/v2/keys${key.split('/').map(encodeURIComponent).join('/')}${query && `?${query}`}`;
  return {
    get: async (key, query, signal) =>
      parse(await askEach({ method: 'GET', path: path(key, query) }, signal)),
    write: async (method, key, query, form, signal) =>
      parse(await askEach({ method, path: path(key, query), ...(form ? { form } : {}) }, signal)),
    getHere: async (key, query, signal, patience) =>
      parse(await askOne({ method: 'GET', path: path(key, query), patience }, signal)),
    async version(signal) {
      const { text } = await askEach({ method: 'GET', path: '/version' }, signal);
      return versionAnswer.safeParse(parseJson(text)).data?.etcdserver;
    },
    close() {
      for (const endpoint of endpoints) endpoint.close();
    },
  };
}

function raise(): never {
  throw new TypeError('an etcd client without endpoints');
}

const versionAnswer = z.object({ etcdserver: z.string() });

const refusal = z.object({
  errorCode: z.number(),
  message: z.string(),
  cause: z.optional(z.string()),
  index: z.optional(z.number()),
});

const rawNode = z.object({
  key: z._default(z.string(), '/'),
  value: z._default(z.string(), ''),
  dir: z._default(z.boolean(), false),
  modifiedIndex: z._default(z.number(), 0),
  ttl: z.optional(z.number()),
  expiration: z.optional(z.string()),
  nodes: z._default(z.array(z.unknown()), []),
});

const keysAnswer = z.object({ action: z.string(), node: z.unknown() });

function parse({ status, index, text }: HttpAnswer): Answer {
  const json = parseJson(text);
  if (status < 300 && text.trim() === '') return { index, action: undefined, node: undefined };
  if (status < 300) {
    const answer = keysAnswer.safeParse(json).data;
    if (!answer) throw new Refused(`not an answer of etcd: ${text.slice(0, 200).trim()}`, 0, 0);
    return { index, action: answer.action, node: parseNode(answer.node) };
  }
  const error = refusal.safeParse(json).data;
  if (error)
    throw new Refused(
      `${error.message}${error.cause ? `: ${error.cause}` : ''}`,
      error.errorCode,
      error.index ?? index,
    );
  if (status === 404)
    throw new Refused(
      'this etcd does not offer the v2 API (start it with --enable-v2, or use -etcd-api=3)',
      0,
      0,
    );
  throw new Refused(`HTTP status ${status}: ${text.slice(0, 200).trim()}`, 0, 0);
}

function parseNode(json: unknown): Node {
  const { nodes, ttl, expiration, ...rest } = rawNode.parse(json);
  return { ...rest, ttl, expiration, nodes: nodes.map(parseNode) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
