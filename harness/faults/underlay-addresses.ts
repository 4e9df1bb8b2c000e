// The addresses by which nodes know each other on the underlay.
import type { NodeHandle } from '../drivers/driver.ts';

export interface UnderlayAddresses {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

/** Those the nodes have on eth0 now, and the IPv4 ones they were given. */
export async function underlayAddresses(nodes: readonly NodeHandle[]): Promise<UnderlayAddresses> {
  const found = await Promise.all(nodes.map(node => addressesOf(node)));
  const all = found.flat();
  return {
    v4: [...new Set([...nodes.map(({ address }) => address), ...all.filter(text => !text.includes(':'))])],
    v6: all.filter(text => text.includes(':')),
  };
}

async function addressesOf(node: NodeHandle): Promise<readonly string[]> {
  const { stdout } = await node.run(['ip', '-o', 'address', 'show', 'dev', 'eth0', 'scope', 'global']);
  return [...stdout.matchAll(/inet6? ([^/ ]+)/g)].map(([, address]) => address ?? '');
}

/** Matches for a rule, one for each family that has addresses: `ip saddr { 192.168.77.11 }`. */
export function matching(side: 'saddr' | 'daddr', { v4, v6 }: UnderlayAddresses): readonly string[] {
  const match = (family: string, addresses: readonly string[]) =>
    addresses.length > 0 ? [`${family} ${side} { ${addresses.join(', ')} }`] : [];
  return [...match('ip', v4), ...match('ip6', v6)];
}
