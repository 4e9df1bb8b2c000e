// The etcd v3 client, set up so that each call asks every endpoint once and then fails: waiting is the caller's.
import { Etcd3, type IOptions, isRecoverableError } from 'etcd3';
import { UserError } from '../../lib/errors.ts';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`, all of one kind. */
  readonly endpoints: readonly string[];
  /** PEM contents. */
  readonly ca?: Buffer | undefined;
  readonly certificate?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** How long one endpoint may take to answer a request, in milliseconds. */
const answerTimeout = 2500;

const grpcOptions = {
  // A list of thousands of leases exceeds grpc's default of 4 MB.
  'grpc.max_receive_message_length': -1,
  // A connection whose other end vanished without a word is noticed within 15 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.enable_http_proxy': 0,
};

/** Does not connect yet. Throws a UserError for endpoints or credentials that cannot be used. */
export function createEtcdClient({
  endpoints,
  ca,
  certificate,
  key,
  username,
  password,
}: EtcdOptions): Etcd3 {
  const hosts = endpoints.map(endpoint => endpoint.trim().replace(/\/+$/, '')).filter(Boolean);
  if (hosts.length === 0)
    throw new UserError('no etcd endpoint given', { hint: '-etcd-endpoints=http://127.0.0.1:2379' });
  const secure = hosts.filter(host => host.startsWith('https://'));
  if (secure.length > 0 && secure.length < hosts.length)
    throw new UserError(`etcd endpoints mix http and https: ${hosts.join(',')}`);
  if (Boolean(certificate) !== Boolean(key))
    throw new UserError('-etcd-certfile and -etcd-keyfile are only useful together');
  return new Etcd3({
    hosts,
    grpcOptions,
    ...(username && password ? { auth: { username, password } } : {}),
    ...(secure.length > 0 && ca ? { credentials: tls(ca, certificate, key) } : {}),
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + answerTimeout }),
    faultHandling: { host: shunning(hosts.length), global: eachHostOnce(hosts.length) },
  });
}

function tls(rootCertificate: Buffer, certificate: Buffer | undefined, key: Buffer | undefined) {
  return { rootCertificate, ...(certificate && key ? { certChain: certificate, privateKey: key } : {}) };
}

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

/** At once and at most `times`, each time on another host; etcd3's own policies would wait and open circuits. */
function eachHostOnce(times: number): Policy {
  return policy(async call => {
    for (let left = times; ; ) {
      try {
        return await call();
      } catch (error) {
        if (--left <= 0 || !isRecoverable(error)) throw error;
      }
    }
  });
}

/** For how long a host that failed is passed over while there are others, in milliseconds. */
const shunTime = 10_000;

/** Per host: without it, every call would again wait for the one host that does not answer. */
function shunning(count: number): () => Policy {
  const shunned = new Map<Policy, number>();
  const isShunned = (host: Policy) => (shunned.get(host) ?? 0) > performance.now();
  return () => {
    const host: Policy = policy(async call => {
      const others = [...shunned.keys()].filter(other => other !== host && isShunned(other)).length;
      if (isShunned(host) && others < count - 1) throw new Error('this etcd endpoint failed a moment ago');
      try {
        return await call();
      } catch (error) {
        if (isRecoverable(error)) shunned.set(host, performance.now() + shunTime);
        throw error;
      }
    });
    return host;
  };
}

function isRecoverable(error: unknown): boolean {
  return error instanceof Error && isRecoverableError(error);
}

type Execute = <T>(call: () => T | PromiseLike<T>) => Promise<T>;

/** What etcd3 wants of a policy, around the one thing it uses. */
function policy(execute: Execute): Policy {
  const never = () => ({ dispose() {} });
  const whole: Omit<Policy, '_altReturn'> = {
    onSuccess: never,
    onFailure: never,
    execute: (call, signal = new AbortController().signal) => execute(() => call({ signal })),
  };
  return whole as Policy; // the missing member exists in types only
}
