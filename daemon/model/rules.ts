// What flanneld accepts, leaves alone and masquerades: one list of rules for iptables and nftables, and both families.
import type { Family } from '../../lib/ip.ts';

/** The prefixes of one family in their canonical text form, such as `10.5.0.0/16` or `fd00:5::/48`. */
export interface Range {
  readonly family: Family;
  /** Of the whole cluster. */
  readonly network: string;
  /** Of this node. */
  readonly subnet: string;
}

/** A packet to which everything that is given applies meets the verdict. */
export interface Rule {
  readonly from?: Prefix;
  readonly to?: Prefix;
  /** Of the packet, under itself as a mask. */
  readonly mark?: string;
  readonly verdict: 'accept' | 'return' | 'masquerade';
}

export interface Prefix {
  readonly prefix: string;
  /** Every address outside of the prefix is meant. */
  readonly negated?: true;
}

/** How a node treats what it forwards and sends; settled at start. */
export interface Traffic {
  readonly mode: 'iptables' | 'nftables';
  /** Accept what is forwarded from and to the network, whatever else is not accepted. */
  readonly forward: boolean;
  readonly masquerade: boolean;
  /** Whether masquerading may choose source ports fully at random. */
  readonly randomFully: boolean;
  /** One for each family the network has. */
  readonly ranges: readonly Range[];
  /** The cluster's networks and those of earlier runs: their rules are ours to remove. */
  readonly networks: readonly { readonly family: Family; readonly network: string }[];
}

const multicast = { 4: '224.0.0.0/4', 6: 'ff00::/8' } as const;

/** The bit of kube-proxy, which masquerades by itself what it has marked. */
const kubeProxyMark = '0x4000';

export function forwardRules({ network: prefix }: Range): readonly Rule[] {
  return [
    { from: { prefix }, verdict: 'accept' },
    { to: { prefix }, verdict: 'accept' },
  ];
}

/** Masquerades what leaves the network, and what comes into it from nodes whose address it could not answer to. */
export function masqueradeRules({ family, network, subnet }: Range): readonly Rule[] {
  const inside = { prefix: network };
  const outside = { prefix: network, negated: true } as const;
  const here = { prefix: subnet };
  return [
    { mark: kubeProxyMark, verdict: 'return' },
    { from: here, to: inside, verdict: 'return' },
    { from: inside, to: here, verdict: 'return' },
    { from: outside, to: here, verdict: 'return' },
    { from: inside, to: { prefix: multicast[family], negated: true }, verdict: 'masquerade' },
    { from: outside, to: inside, verdict: 'masquerade' },
  ];
}
