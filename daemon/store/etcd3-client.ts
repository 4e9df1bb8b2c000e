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
    faultHandling: { host: () => eachTry(1), global: eachTry(hosts.length) },
  });
}

function tls(rootCertificate: Buffer, certificate: Buffer | undefined, key: Buffer | undefined) {
  return { rootCertificate, ...(certificate && key ? { certChain: certificate, privateKey: key } : {}) };
}

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>;

/** At once and at most `times`, each time on another host; etcd3's own policies would wait and open circuits. */
function eachTry(times: number): Policy {
  const never = () => ({ dispose() {} });
  const policy: Omit<Policy, '_altReturn'> = {
    onSuccess: never,
    onFailure: never,
    async execute(call, signal = new AbortController().signal) {
      for (let left = times; ; ) {
        try {
          return await call({ signal });
        } catch (error) {
          if (--left <= 0 || !(error instanceof Error) || !isRecoverableError(error)) throw error;
        }
      }
    },
  };
  return policy as Policy; // the missing member exists in types only
}
