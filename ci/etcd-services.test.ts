// The codecs prepared for the bundle speak exactly as those that proto-loader makes from the same files.
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { etcdProto } from './compiled-code.ts';
import { servicesModule } from './etcd-services.ts';

interface Method {
  path: string;
  originalName: string;
  requestStream: boolean;
  responseStream: boolean;
  requestSerialize(message: object): Uint8Array;
  responseSerialize(message: object): Uint8Array;
  responseDeserialize(bytes: Uint8Array): object;
}
type Services = Record<string, Record<string, Method>>;

const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
const require = createRequire(createRequire(import.meta.resolve('etcd3')).resolve('@grpc/proto-loader'));
const theirs: Services = createRequire(import.meta.resolve('etcd3'))('@grpc/proto-loader').loadSync(
  etcdProto(),
  options,
);
const module = { loadSync: (_file: string, _options: object): Services => expect.unreachable() };
new Function('require', 'exports', servicesModule(etcdProto()))(require, module);
const ours = module.loadSync('', options);

const method = (services: Services, service: string, name: string): Method =>
  services[`etcdserverpb.${service}`]?.[name] ?? expect.unreachable();
const both = (service: string, name: string) =>
  [method(ours, service, name), method(theirs, service, name)] as const;

test('the services have the same methods', () => {
  for (const [service, methods] of Object.entries(ours))
    for (const [name, { path, originalName, requestStream, responseStream }] of Object.entries(methods))
      expect({ path, originalName, requestStream, responseStream }).toEqual({
        path: theirs[service]?.[name]?.path,
        originalName: theirs[service]?.[name]?.originalName,
        requestStream: theirs[service]?.[name]?.requestStream,
        responseStream: theirs[service]?.[name]?.responseStream,
      });
  expect(Object.keys(ours)).toHaveLength(4);
});

const key = fc.uint8Array({ maxLength: 20 }).map(bytes => Buffer.from(bytes));
const big = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String);

test('requests become the same bytes', () => {
  const [our, their] = both('KV', 'Txn');
  const put = fc.record({ key, value: key, lease: big });
  const txn = fc.record({
    compare: fc.array(
      fc.record({
        key,
        target: fc.constantFrom('Version', 'Mod'),
        result: fc.constantFrom('Equal', 'Greater'),
        mod_revision: big,
      }),
    ),
    success: fc.array(put.map(request_put => ({ request_put }))),
    failure: fc.array(key.map(at => ({ request_range: { key: at } }))),
  });
  fc.assert(
    fc.property(txn, message => {
      expect(Buffer.from(our.requestSerialize(message))).toEqual(
        Buffer.from(their.requestSerialize(message)),
      );
    }),
  );
});

test('answers become the same objects, with 64-bit numbers in full', () => {
  const [our, their] = both('Watch', 'Watch');
  const kv = fc.record({ key, value: key, mod_revision: big, lease: big });
  const answer = fc.record({
    header: fc.record({ revision: big }),
    created: fc.boolean(),
    compact_revision: big,
    events: fc.array(fc.record({ type: fc.constantFrom('Put', 'Delete'), kv })),
  });
  fc.assert(
    fc.property(answer, message => {
      const bytes = their.responseSerialize(message);
      expect(our.responseDeserialize(bytes)).toEqual(their.responseDeserialize(bytes));
      expect(our.responseDeserialize(bytes)).toMatchObject({ header: message.header });
    }),
  );
});
