// etcd v3 over gRPC, set up so that each call asks every endpoint once and then fails: waiting is the caller's.
import { Etcd3, type ICompare, type IRequestOp } from 'etcd3';
import type { Credentials } from './credentials.ts';
import type { Change, Condition, Etcd3Client } from './etcd3-api.ts';
import { eachHostOnce, isOutage, shunning } from './etcd3-faults.ts';
import { createTokens, leaderDemanded } from './etcd3-metadata.ts';

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
  /** With a token where etcd wants one. `make` is called again when the token had run out. */
  const request = <T>(make: (etcd: Etcd3) => Promise<T>): Promise<T> =>
    tokens ? tokens.use(() => make(etcd)) : make(etcd);
  return {
    isOutage,
    async range(key, end) {
      const { kvs, header } = await request(({ kv }) =>
        kv.range({ key, ...(end ? { range_end: end } : {}) }),
      );
      return { kvs, revision: Number(header.revision) };
    },
    async transact({ unless, changes, orElse }) {
      const { succeeded, responses, header } = await request(({ kv }) =>
        kv.txn({
          compare: unless.map(comparison),
          success: changes.map(operation),
          failure: orElse ? [{ request_range: { key: orElse } }] : [],
        }),
      );
      const present = succeeded ? undefined : responses[0]?.response_range.kvs[0];
      return { succeeded, present, revision: Number(header.revision) };
    },
    async grant(id, ttl) {
      const { TTL } = await request(({ leaseClient }) => leaseClient.leaseGrant({ ID: id, TTL: ttl }));
      return Number(TTL);
    },
    async giveBack(id) {
      await request(async ({ leaseClient }) => {
        const { keys } = await leaseClient.leaseTimeToLive({ ID: id, keys: true });
        if (keys.length === 0) await leaseClient.leaseRevoke({ ID: id });
      });
    },
    watch: async () => {
      await tokens?.ready();
      return etcd.watchClient.watch();
    },
    close: () => etcd.close(),
  };
}

function comparison({ key, revision }: Condition): ICompare {
  return { key, target: 'Mod', result: 'Equal', mod_revision: revision };
}

function operation(change: Change): IRequestOp {
  if ('remove' in change) return { request_delete_range: { key: change.remove } };
  const { put, value, grant } = change;
  return { request_put: { key: put, value: Buffer.from(value), ...(grant ? { lease: grant } : {}) } };
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
