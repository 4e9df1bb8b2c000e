// Writes the module that stands in for @grpc/proto-loader inside the bundle: etcd's services with ready codecs.
// Reading the .proto files and making codecs from them at each start takes longer than the rest of the start.
import protobuf from 'protobufjs';

/** What a lease registry calls; the rest of etcd's services is left out. */
const services = ['KV', 'Watch', 'Lease', 'Auth'];

/** Module source whose `loadSync` gives grpc the same services that proto-loader would, for etcd3's options only. */
export function servicesModule(protoFile: string): string {
  const root = new protobuf.Root().loadSync(protoFile, { keepCase: true });
  root.resolveAll();
  const methods = services.flatMap(name => root.lookupService(`etcdserverpb.${name}`).methodsArray);
  const requests = reachable(methods.map(({ resolvedRequestType }) => resolvedRequestType));
  const responses = reachable(methods.map(({ resolvedResponseType }) => resolvedResponseType));
  const all = [...new Set([...requests, ...responses])];
  return [
    `const { Reader, Writer, util, configure } = require('protobufjs/minimal');`,
    `util.Long = require('long');`,
    'configure();',
    'const fields = {}, codecs = {};',
    ...all.map(entry => codec(entry, requests.has(entry), responses.has(entry))),
    ...all.map(entry => `fields[${named(entry)}].push(${fieldTypes(entry).map(reference).join()});`),
    'const serialize = type => message => type.encode(type.fromObject(message)).finish();',
    'const deserialize = (type, options) => bytes => type.toObject(type.decode(bytes), options);',
    'exports.loadSync = (file, options) => ({',
    ...services.map(name => service(root.lookupService(`etcdserverpb.${name}`))),
    '});',
  ].join('\n');
}

type Entry = protobuf.Type | protobuf.Enum;

/** These messages and all that they are made of. */
function reachable(roots: readonly (Entry | null)[]): Set<Entry> {
  const found = new Set<Entry>();
  const visit = (entry: Entry | null): void => {
    if (!entry || found.has(entry)) return;
    found.add(entry);
    for (const type of fieldTypes(entry)) visit(type);
  };
  roots.forEach(visit);
  return found;
}

function fieldTypes(entry: Entry): (Entry | null)[] {
  return entry instanceof protobuf.Type ? entry.fieldsArray.map(({ resolvedType }) => resolvedType) : [];
}

/** The functions protobufjs would make on first use, with the names they expect around them. */
function codec(entry: Entry, encodes: boolean, decodes: boolean): string {
  if (entry instanceof protobuf.Enum)
    return `fields[${named(entry)}] = []; codecs[${named(entry)}] = { values: Object.assign(Object.create(${JSON.stringify(entry.valuesById)}), ${JSON.stringify(entry.values)}) };`;
  const { encoder, decoder, converter } = protobuf;
  const members = [
    `ctor: ${protobuf.Type.generateConstructor(entry)}`,
    ...(encodes ? [`fromObject: ${converter.fromObject(entry)}`, `encode: ${encoder(entry)}`] : []),
    ...(decodes ? [`toObject: ${converter.toObject(entry)}`, `decode: ${decoder(entry)}`] : []),
  ];
  return `codecs[${named(entry)}] = (types => ({ ${members.join(',\n')} }))(fields[${named(entry)}] = []);`;
}

function service({ name, methodsArray }: protobuf.Service): string {
  const methods = methodsArray.map(method => {
    const {
      resolvedRequestType,
      resolvedResponseType,
      requestStream = false,
      responseStream = false,
    } = method;
    return `${method.name}: {
      path: '/etcdserverpb.${name}/${method.name}',
      originalName: '${method.name.charAt(0).toLowerCase()}${method.name.slice(1)}',
      requestStream: ${requestStream},
      responseStream: ${responseStream},
      requestSerialize: serialize(${reference(resolvedRequestType)}),
      responseDeserialize: deserialize(${reference(resolvedResponseType)}, options),
    },`;
  });
  return `'etcdserverpb.${name}': { ${methods.join('\n')} },`;
}

function reference(entry: Entry | null): string {
  return entry ? `codecs[${named(entry)}]` : 'null';
}

function named(entry: Entry): string {
  return JSON.stringify(entry.fullName);
}
