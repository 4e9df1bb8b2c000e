// Whether what a tunnel adds leaves inner packets as much as every link must carry.
import type { Family } from '../../lib/ip.ts';

/** In bytes, by family: RFC 791 and RFC 8200; the kernel makes no tunnel with less. */
const least: Readonly<Record<Family, number>> = { 4: 68, 6: 1280 };

/** The MTU of the tunnel's packets, and where it is from: the name of the uplink, or of a key of the configuration. */
export interface Given {
  readonly mtu: number;
  readonly by: string;
}

/** Why that is too small for the backend; undefined when it is not. `overhead`: bytes that the tunnel adds. */
export function tooSmall(
  backend: string,
  enabled: readonly Family[],
  { mtu, by }: Given,
  overhead: (family: Family) => number,
): string | undefined {
  const family = enabled.findLast(family => mtu - overhead(family) < least[family]);
  if (!family) return undefined;
  const need = `${least[family] + overhead(family)}${family === 6 ? ' with IPv6' : ''}`;
  return `the MTU ${mtu} of ${by} is too small for ${backend}, which needs at least ${need}`;
}
