// What wireguard's scenarios ask of nodes.
import { type Cluster, expect, type NodeHandle } from '../harness/vitest/index.ts';

/** Where these scenarios can run. */
export const platforms = {
  backends: ['wireguard'],
  programs: { wg: 'wireguard-tools', 'wireguard-go': 'wireguard-go' },
} as const;

export const keyFile = '/run/flannel/wgkey';

export async function output(node: NodeHandle, ...argv: [string, ...string[]]): Promise<string> {
  return (await node.run(argv)).stdout;
}

export async function publicKey(node: NodeHandle): Promise<string> {
  return (await output(node, 'wg', 'show', 'flannel-wg', 'public-key')).trim();
}

async function peersOf(node: NodeHandle, dev: string): Promise<readonly string[]> {
  return (await output(node, 'wg', 'show', dev, 'peers')).split('\n').filter(Boolean).sort();
}

/** Each node has all others for peers, by the keys they have now, and nobody else. */
export async function expectPeers({ nodes }: Cluster, dev = 'flannel-wg'): Promise<void> {
  const keys = await Promise.all(nodes.map(publicKey));
  for (const [at, node] of nodes.entries()) {
    const peers = () => peersOf(node, dev);
    await expect.poll(peers, { message: node.name }).toEqual(keys.toSpliced(at, 1).sort());
  }
}
