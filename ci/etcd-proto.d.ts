// etcd's rpc.proto as protobufjs describes it; the build makes this module.
declare module 'etcd-proto' {
  import type { INamespace } from 'protobufjs';

  const description: INamespace;
  export default description;
}
