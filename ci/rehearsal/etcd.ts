// An etcd that has one network configuration and a few leases, and agrees to everything: for rehearsals only.
import { createRequire } from 'node:module';
import * as grpc from '@grpc/grpc-js';

const prefix = '/coreos.com/network';
/** Of everything: nothing here depends on order. */
const revision = '5';
const header = { revision };

interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly create_revision: string;
  readonly mod_revision: string;
}

interface RangeRequest {
  readonly key: Buffer;
  readonly range_end: Buffer;
}

type Answer = (error: null, response: object) => void;
type Call = { readonly request: RangeRequest & { readonly ID: string; readonly TTL: string } };
type Watcher = {
  write(response: object): void;
  on(event: 'data' | 'end', listener: () => void): void;
  end(): void;
};

export interface RehearsalEtcd extends Disposable {
  readonly endpoint: string;
}

/** Listens on a port of its own of the loopback device. `protoFile` is etcd's rpc.proto; `config` the network's. */
export async function startEtcd(protoFile: string, config: object, leases: number): Promise<RehearsalEtcd> {
  const configured = keyValue(`${prefix}/config`, config);
  const registered = Array.from({ length: leases }, (_, at) => lease(at));
  const server = new grpc.Server();
  const services = servicesOf(protoFile);
  server.addService(services.KV, {
    Range: ({ request: { key, range_end } }: Call, answer: Answer) => {
      const kvs = range_end.length > 0 ? registered : configured.key.equals(key) ? [configured] : [];
      answer(null, { header, kvs, count: String(kvs.length) });
    },
    Txn: (_: Call, answer: Answer) =>
      answer(null, { header, succeeded: true, responses: [{ response_put: {} }] }),
  });
  server.addService(services.Lease, {
    LeaseGrant: ({ request: { ID, TTL } }: Call, answer: Answer) => answer(null, { header, ID, TTL }),
  });
  server.addService(services.Watch, {
    Watch(watcher: Watcher) {
      watcher.on('data', () => watcher.write({ header, created: true }));
      watcher.on('end', () => watcher.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return {
    endpoint: `http://127.0.0.1:${port}`,
    [Symbol.dispose]: () => server.forceShutdown(),
  };
}

function lease(number: number): KeyValue {
  return keyValue(`${prefix}/subnets/10.5.${100 + number}.0-24`, {
    PublicIP: `192.0.2.${100 + number}`,
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: `02:00:00:00:00:${10 + number}` },
  });
}

function keyValue(key: string, value: object): KeyValue {
  const written = { create_revision: revision, mod_revision: revision };
  return { key: Buffer.from(key), value: Buffer.from(JSON.stringify(value)), ...written };
}

type Services = Readonly<Record<'KV' | 'Lease' | 'Watch', grpc.ServiceDefinition>>;

function servicesOf(protoFile: string): Services {
  const fromGrpc = createRequire(createRequire(import.meta.url).resolve('etcd3'));
  const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
  const loaded = grpc.loadPackageDefinition(fromGrpc('@grpc/proto-loader').loadSync(protoFile, options));
  const { KV, Lease, Watch } = loaded.etcdserverpb as Record<string, grpc.ServiceClientConstructor>;
  if (!KV || !Lease || !Watch) throw new Error(`${protoFile} does not describe etcd`);
  return { KV: KV.service, Lease: Lease.service, Watch: Watch.service };
}
