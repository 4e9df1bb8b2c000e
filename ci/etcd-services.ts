// Stands in for @grpc/proto-loader inside the bundle: etcd's services from a description prepared at build time.
// Parsing the .proto files and describing them all over again takes longer than the rest of the daemon's start.

// Put in by the build.
import description from 'etcd-proto';
import long from 'long';
import protobuf from 'protobufjs/light.js';

protobuf.util.Long = long;
protobuf.configure();

/** What grpc.loadPackageDefinition turns into clients. The file is always etcd's. */
export function loadSync(_file: string, options: protobuf.IConversionOptions): object {
  const root = protobuf.Root.fromJSON(description);
  root.resolveAll();
  const services = root.lookup('etcdserverpb');
  if (!(services instanceof protobuf.Namespace)) throw new TypeError('etcd.proto has no etcdserverpb');
  const definitions = services.nestedArray
    .filter(entry => entry instanceof protobuf.Service)
    .map(service => [`etcdserverpb.${service.name}`, methods(service, options)]);
  return Object.fromEntries(definitions);
}

function methods(service: protobuf.Service, options: protobuf.IConversionOptions): object {
  const definitions = service.methodsArray.map(method => {
    const {
      name,
      requestStream = false,
      responseStream = false,
      resolvedRequestType,
      resolvedResponseType,
    } = method;
    if (!resolvedRequestType || !resolvedResponseType) throw new TypeError(`${name} has no types`);
    const definition = {
      path: `/etcdserverpb.${service.name}/${name}`,
      requestStream,
      responseStream,
      requestSerialize: serialize(resolvedRequestType),
      responseDeserialize: deserialize(resolvedResponseType, options),
      originalName: name.charAt(0).toLowerCase() + name.slice(1),
    };
    return [name, definition];
  });
  return Object.fromEntries(definitions);
}

function serialize(type: protobuf.Type) {
  return (message: { [name: string]: unknown }) =>
    Buffer.from(type.encode(type.fromObject(message)).finish());
}

function deserialize(type: protobuf.Type, options: protobuf.IConversionOptions) {
  return (bytes: Buffer) => type.toObject(type.decode(bytes), options);
}
