// An etcd that has one network configuration and a few leases, and agrees to everything: for rehearsals only.
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
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
  const registry: Registry = {
    own: undefined,
    range: (key, isPrefix) => (isPrefix ? registered : configured.key.equals(key) ? [configured] : []),
  };
  const { server, port: grpcPort } = await serveGrpc(protoFile, registry);
  const gateway = createGateway(registry);
  const gatewayPort = await listen(gateway);
  // As etcd does, both on one port: the first words of a connection tell which it is for.
  const inside = new Set<Socket>();
  const door = createServer(incoming => {
    inside.add(incoming.on('error', () => {}));
    incoming.once('data', first => {
      const isHttp2 = first.toString('latin1').startsWith('PRI ');
      const inner = connect(isHttp2 ? grpcPort : gatewayPort, '127.0.0.1');
      inside.add(inner.on('error', () => incoming.destroy()));
      inner.write(first);
      incoming.pipe(inner).pipe(incoming);
    });
  });
  return {
    endpoint: `http://127.0.0.1:${await listen(door)}`,
    [Symbol.dispose]() {
      for (const socket of inside) socket.destroy();
      door.close();
      gateway.close();
      gateway.closeAllConnections();
      server.forceShutdown();
    },
  };
}

interface Registry {
  /** The key of the daemon's lease, once it has one. */
  own: Buffer | undefined;
  readonly range: (key: Buffer, isPrefix: boolean) => readonly KeyValue[];
}

/** What the daemon starts with. */
function createGateway(registry: Registry) {
  const bytes = (text: string) => Buffer.from(text, 'base64');
  const answers: Readonly<Record<string, (request: GatewayRequest) => object>> = {
    '/v3/kv/range': ({ key, range_end }) => ({
      kvs: registry.range(bytes(key), range_end !== undefined).map(kv => ({
        ...kv,
        key: kv.key.toString('base64'),
        value: kv.value.toString('base64'),
      })),
    }),
    '/v3/kv/txn': ({ compare: [{ key }] }) => {
      registry.own = bytes(key);
      return { succeeded: true, responses: [{ response_put: {} }] };
    },
    '/v3/lease/grant': ({ ID, TTL }) => ({ ID, TTL }),
  };
  return createHttpServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = await incoming.toArray();
    const answer = answers[incoming.url ?? '']?.(JSON.parse(Buffer.concat(chunks).toString()));
    if (!answer) outgoing.writeHead(404);
    outgoing.end(JSON.stringify({ header, ...answer }));
  });
}

interface GatewayRequest {
  readonly key: string;
  readonly range_end?: string;
  readonly compare: readonly [{ readonly key: string }];
  readonly ID: string;
  readonly TTL: string;
}

/** What the daemon lives with. */
async function serveGrpc(protoFile: string, registry: Registry) {
  const server = new grpc.Server();
  const services = servicesOf(protoFile);
  server.addService(services.KV, {
    Range: ({ request: { key, range_end } }: Call, answer: Answer) => {
      const kvs = registry.range(key, range_end.length > 0);
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
      watcher.on('data', () => {
        watcher.write({ header, created: true });
        // So that the daemon takes its lease once more, and has made each kind of request here, too.
        const kv = { key: registry.own, mod_revision: revision };
        if (registry.own) watcher.write({ header, events: [{ type: 'Delete', kv }] });
      });
      watcher.on('end', () => watcher.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { server, port };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
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
