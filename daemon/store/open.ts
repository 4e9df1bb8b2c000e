// Opens the registry that the options name.
import { type Logger, silent } from '../../lib/log.ts';
import type { V2Candidate } from './auto-store.ts';
import { type CredentialOptions, type Credentials, readCredentials } from './credentials.ts';
import { parseEndpoints } from './endpoints.ts';
import type { Etcd3Client } from './etcd3-api.ts';
import type { Told } from './health.ts';
import type { LeaseStore } from './lease-store.ts';

export interface StoreOptions extends CredentialOptions {
  readonly etcdEndpoints: readonly string[];
  readonly etcdPrefix: string;
  readonly etcdApi: '2' | '3' | 'auto';
}

/**
 * Connects to nothing yet. Rejects with a UserError for options and files that can never work. Half of the daemon's
 * code is etcd3's: each registry's code is loaded when it is needed.
 */
export async function openStore(options: StoreOptions, log: Logger, told?: Told): Promise<LeaseStore> {
  const endpoints = parseEndpoints(options.etcdEndpoints);
  const { etcdApi, etcdPrefix } = options;
  const secure = endpoints.some(endpoint => endpoint.startsWith('https:'));
  const credentials = readCredentials(options, secure, log);
  if (etcdApi === '2') return (await openV2(endpoints, await credentials, etcdPrefix, log, told)).store;
  const [known, { createEtcd3Store }, { createAutoStore }] = await Promise.all([
    credentials,
    import('./etcd3-store.ts'),
    import('./auto-store.ts'),
  ]);
  const v3 = createEtcd3Store(await openV3(endpoints, known), etcdPrefix, log, told);
  if (etcdApi === '3') return v3;
  return createAutoStore({ v3, openV2: () => openV2(endpoints, known, etcdPrefix, log, told) }, log);
}

/** The gateway knows neither certificates that stand for users nor, as we use it, passwords. */
async function openV3(endpoints: readonly string[], credentials: Credentials): Promise<Etcd3Client> {
  const load = async () => (await import('./etcd3-client.ts')).createEtcd3Client(endpoints, credentials);
  const [first] = endpoints;
  if (!first?.startsWith('http:') || credentials.username) return load();
  const [{ createEtcd3Gateway }, { createQuickStart }] = await Promise.all([
    import('./etcd3-gateway.ts'),
    import('./etcd3-quick-start.ts'),
  ]);
  return createQuickStart(createEtcd3Gateway(first), load);
}

async function openV2(
  endpoints: readonly string[],
  credentials: Credentials,
  prefix: string,
  log: Logger,
  told: Told | undefined,
): Promise<V2Candidate> {
  const [{ createEtcd2Client }, { createEtcd2Store }] = await Promise.all([
    import('./etcd2-client.ts'),
    import('./etcd2-store.ts'),
  ]);
  const client = createEtcd2Client(endpoints, credentials);
  return {
    store: createEtcd2Store(client, prefix, log, told),
    probe: createEtcd2Store(client, prefix, silent),
    version: signal => client.version(signal),
  };
}
