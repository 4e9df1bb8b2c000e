// What goes along with calls to etcd v3: the token that proves who asks, and the demand for a member with a leader.
import { InterceptingCall, type Interceptor, type StatusObject } from '@grpc/grpc-js';

/** Makes etcd end a stream on a member that lost its leader; such a member would stay silent for ever. */
export const leaderDemanded: Interceptor = withMetadata(() => ({ hasleader: 'true' }));

export interface Tokens {
  readonly attach: Interceptor;
  /** Calls with a token; once more, with a new one, when etcd no longer knows the first. */
  use<T>(call: () => Promise<T>): Promise<T>;
  /** Resolves when there is a token. */
  ready(): Promise<unknown>;
}

/**
 * Tokens run out, and are forgotten when etcd restarts. etcd3 would ask for a new one on a connection of its own that
 * it never closes, and repeat without end a call whose token is refused.
 */
export function createTokens(authenticate: () => Promise<string | undefined>): Tokens {
  let token: string | undefined;
  let asked: Promise<void> | undefined;

  function ready(): Promise<void> {
    asked ??= authenticate().then(
      fresh => {
        token = fresh;
      },
      error => {
        asked = undefined;
        throw error;
      },
    );
    return asked;
  }

  return {
    ready,
    attach: withMetadata(
      () => (token ? { token } : {}),
      status => (isTokenRefused(status) ? { ...status, details: unknownToken } : status),
    ),
    async use(call) {
      await ready();
      const before = asked;
      try {
        return await call();
      } catch (error) {
        if (!String(error).includes(unknownToken)) throw error;
        // Many calls may fail with one token; only the first of them asks for another.
        if (asked === before) asked = undefined;
        await ready();
        return call();
      }
    },
  };
}

/** In place of etcd's own words, which etcd3 takes for a reason to repeat the call for ever. */
const unknownToken = 'etcd does not know the token of this call';

function isTokenRefused({ details }: StatusObject): boolean {
  return /invalid auth token|revision of auth store is old|user name is empty/.test(details);
}

function withMetadata(
  entries: () => Readonly<Record<string, string>>,
  onStatus: (status: StatusObject) => StatusObject = status => status,
): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(metadata, _listener, next) {
        for (const [name, value] of Object.entries(entries())) metadata.set(name, value);
        next(metadata, { onReceiveStatus: (status, pass) => pass(onStatus(status)) });
      },
    });
}
