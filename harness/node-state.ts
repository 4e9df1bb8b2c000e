// Reads what a node says of itself: its subnet.env and its docker0.
import { type Cidr, parseCidr } from '../lib/ip.ts';
import { GaveUp, until } from '../lib/wait.ts';
import type { NodeHandle } from './drivers/driver.ts';
import { subnetFile } from './node-files.ts';

export interface SubnetEnv {
  /** `10.5.0.0/16`. */
  readonly network: string | undefined;
  /** The node's subnet, host bits cleared: of IPv4 where it has one, else of IPv6. */
  readonly subnet: Cidr;
  /** `10.5.3.1/24`, as written. */
  readonly gateway: string;
  readonly mtu: number;
  readonly ipMasq: boolean;
}

export interface Docker0 {
  /** `10.5.3.1/24`. */
  readonly address: string;
  readonly mtu: number;
}

/** Undefined unless the text has a usable FLANNEL_SUBNET or FLANNEL_IPV6_SUBNET. */
export function parseSubnetEnv(text: string): SubnetEnv | undefined {
  const values = new Map(
    text.split('\n').map(line => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]),
  );
  const gateway = values.get('FLANNEL_SUBNET') ?? values.get('FLANNEL_IPV6_SUBNET') ?? '';
  const subnet = parseCidr(gateway);
  if (!subnet) return undefined;
  return {
    network: values.get('FLANNEL_NETWORK'),
    subnet,
    gateway,
    mtu: Number(values.get('FLANNEL_MTU')),
    ipMasq: values.get('FLANNEL_IPMASQ') === 'true',
  };
}

/** The node's subnet.env as it is now; undefined when there is none. */
export async function subnetEnv(node: NodeHandle): Promise<SubnetEnv | undefined> {
  const { stdout, code } = await node.run(['cat', subnetFile], { okCodes: [0, 1] });
  return code === 0 ? parseSubnetEnv(stdout) : undefined;
}

/** Changes whenever subnet.env is written, even with the same content: it is always renamed into place. */
export async function subnetFileVersion(node: NodeHandle): Promise<string> {
  const { stdout } = await node.run(['stat', '-c', '%i %y', subnetFile], { okCodes: [0, 1] });
  return stdout;
}

/** Waits for subnet.env; stops waiting when the daemon has ended, and says what it printed last. */
export function daemonReady(node: NodeHandle, signal: AbortSignal, timeout = 30_000): Promise<SubnetEnv> {
  const probe = async () => {
    const found = await subnetEnv(node);
    if (found) return found;
    const { running, exitCode } = await node.daemon.state();
    if (!running && exitCode !== undefined) {
      throw new GaveUp(
        `the daemon on ${node.name} ended with ${exitCode}:\n${lastLines(await node.daemon.logs())}`,
      );
    }
    return undefined;
  };
  return until(probe, { what: `${subnetFile} on ${node.name}`, timeout, interval: 25, signal });
}

/** The node's docker0; undefined when there is none. */
export async function docker0(node: NodeHandle): Promise<Docker0 | undefined> {
  const { stdout, code } = await node.run(['ip', '-j', '-4', 'address', 'show', 'docker0'], {
    okCodes: [0, 1],
  });
  if (code !== 0) return undefined;
  const [link] = JSON.parse(stdout) as { mtu: number; addr_info: { local: string; prefixlen: number }[] }[];
  const [first] = link?.addr_info ?? [];
  return link && first ? { address: `${first.local}/${first.prefixlen}`, mtu: link.mtu } : undefined;
}

export function lastLines(text: string, count = 15): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
