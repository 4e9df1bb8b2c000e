// The etcd v3 client, set up so that each call asks every endpoint once and then fails: waiting is the caller's.
import { Etcd3, type IDuplexStream, type IWatchRequest, type IWatchResponse } from 'etcd3';
import type { Credentials } from './credentials.ts';
import { eachHostOnce, shunning } from './etcd3-faults.ts';
import { createTokens, leaderDemanded } from './etcd3-metadata.ts';

export interface Etcd3Client {
  /** A request, with a token where etcd wants one. `make` is called again when the token had run out. */
  request<T>(make: (etcd: Etcd3) => Promise<T>): Promise<T>;
  /** A stream for watches, which ends by itself when the endpoint loses touch with its leader. */
  watch(): Promise<IDuplexStream<IWatchRequest, IWatchResponse>>;
  close(): void;
}

/** How long one endpoint may take to answer a request, in milliseconds. */
const answerTimeout = 2500;

const grpcOptions = {
  // A list of thousands of leases exceeds grpc's default of 4 MB.
  'grpc.max_receive_message_length': -1,
  // A connection whose other end vanished without a word is noticed within 9 s; etcd takes pings every 5 s for abuse.
  'grpc.keepalive_time_ms': 6_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.enable_http_proxy': 0,
};

/** Does not connect yet. `endpoints` as {@link parseEndpoints} gives them. */
export function createEtcd3Client(endpoints: readonly string[], credentials: Credentials): Etcd3Client {
  const { ca, certificate, key, username, password } = credentials;
  const secure = endpoints.some(endpoint => endpoint.startsWith('https:'));
  const tokens =
    username && password ? createTokens(() => authenticate(etcd, username, password)) : undefined;
  const interceptors = tokens ? [tokens.attach] : [];
  const etcd = new Etcd3({
    hosts: [...endpoints],
    grpcOptions,
    ...(secure && (ca || certificate) ? { credentials: tls(ca, certificate, key) } : {}),
    defaultCallOptions: ({ isStream, service }) => ({
      ...(isStream ? {} : { deadline: Date.now() + answerTimeout }),
      interceptors: isStream ? [...interceptors, leaderDemanded] : service === 'Auth' ? [] : interceptors,
    }),
    faultHandling: { host: shunning(endpoints.length), global: eachHostOnce(endpoints.length) },
  });
  return {
    request: make => (tokens ? tokens.use(() => make(etcd)) : make(etcd)),
    watch: async () => {
      await tokens?.ready();
      return etcd.watchClient.watch();
    },
    close: () => etcd.close(),
  };
}

function tls(ca: Buffer | undefined, certificate: Buffer | undefined, key: Buffer | undefined) {
  return {
    // Undefined means the system's authorities to grpc, which etcd3's type does not know.
    rootCertificate: ca as Buffer,
    ...(certificate && key ? { certChain: certificate, privateKey: key } : {}),
  };
}

async function authenticate(etcd: Etcd3, name: string, password: string): Promise<string | undefined> {
  try {
    return (await etcd.auth.authenticate({ name, password })).token;
  } catch (error) {
    // As upstream's client has it: credentials are no mistake where none are asked for.
    if (error instanceof Error && error.message.includes('authentication is not enabled')) return undefined;
    throw error;
  }
}
