// The UDP port that the nodes of a network send each other packets on, as the configuration has it.
import type { NetworkConfig } from '../cluster-spec.ts';

/** By backend: the key, and what counts without it. For vxlan the kernel's own, which is what flannel leaves it at. */
const ports: Readonly<Record<string, readonly [key: string, usual: number]>> = {
  vxlan: ['Port', 8472],
  udp: ['Port', 8285],
  wireguard: ['ListenPort', 51820],
};

/** Undefined with a backend that sends no UDP. */
export function portOf({ Backend }: NetworkConfig): number | undefined {
  const [key, usual] = ports[Backend.Type] ?? [];
  return key === undefined ? undefined : Number(Backend[key] || usual);
}
