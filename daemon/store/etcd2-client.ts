// The keys API of etcd v2 over several endpoints: reads go on to the next one, writes only when they cannot have arrived.
import type { Credentials } from './credentials.ts';
import { type Answer, parseAnswer, parseVersion } from './etcd2-answer.ts';
import { createHttpEndpoint, type HttpAnswer, type HttpRequest, Unanswered } from './http-endpoint.ts';

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
      parseAnswer(await askEach({ method: 'GET', path: path(key, query) }, signal)),
    write: async (method, key, query, form, signal) =>
      parseAnswer(await askEach({ method, path: path(key, query), ...(form ? { form } : {}) }, signal)),
    getHere: async (key, query, signal, patience) =>
      parseAnswer(await askOne({ method: 'GET', path: path(key, query), patience }, signal)),
    async version(signal) {
      const { text } = await askEach({ method: 'GET', path: '/version' }, signal);
      return parseVersion(text);
    },
    close() {
      for (const endpoint of endpoints) endpoint.close();
    },
  };
}

function raise(): never {
  throw new TypeError('an etcd client without endpoints');
}
