// alloc: a subnet and nothing else; how packets get to other nodes is somebody else's business.
import type { BackendFactory } from './backend.ts';

export const alloc: BackendFactory = () => ({
  backend: {
    type: '',
    devices: [],
    isUnique: false,
    usesPeers: false,
    mtu: uplink => uplink.mtu,
    refuses: () => undefined,
    terms: ({ publicIps }) => ({ publicIps, backendType: '', backendData: {} }),
    objection: () => undefined,
    desired: () => [],
    // Routes into the network are made by whoever routes here, and look like ours.
    isOurs: () => false,
  },
});
