// What others do to a host's devices, tables and firewall; most of it is for the daemon to mend, not for us.
import { UserError } from '../../lib/errors.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import type { Injection } from './fault.ts';

const listings = {
  routes: (dev: string) => `ip -4 route show dev ${dev}`,
  neighbours: (dev: string) => `ip -4 neigh show dev ${dev} nud permanent`,
  fdb: (dev: string) => `bridge fdb show dev ${dev} | grep ' dst '`,
  addresses: (dev: string) => `ip -4 -o address show dev ${dev}`,
} as const;

const removals: Readonly<Record<Flushable, (dev: string) => string>> = {
  routes: dev => `ip -4 route flush dev ${dev}`,
  neighbours: dev => `ip -4 neigh flush dev ${dev} nud permanent`,
  // Each line of the listing is what `bridge fdb del` takes, but for the device.
  fdb: dev =>
    `${listings.fdb(dev)} | while read -r mac rest; do bridge fdb del $mac dev ${dev} \${rest% permanent}; done`,
  addresses: dev => `ip -4 address flush dev ${dev}`,
};

export type Flushable = keyof typeof listings;

/** Empties one of the tables of a device; rejects when there was nothing in it. */
export async function flush(node: NodeHandle, what: Flushable, dev: string): Promise<void> {
  const listing = listings[what](dev);
  const script = `before=$(${listing}); [ -n "$before" ] || exit 9; ${removals[what](dev)}`;
  const { code } = await node.run(['sh', '-c', script], { okCodes: [0, 9] });
  if (code === 9) throw new UserError(`${dev} of ${node.name} has no ${what} to flush`);
}

/** Sets another MAC, as udev and network managers do, and returns it. */
export async function changeMac(node: NodeHandle, dev: string): Promise<string> {
  const mac = `02:ba:d0:${[0, 0, 0].map(() => hexByte()).join(':')}`;
  await node.run(['ip', 'link', 'set', dev, 'address', mac]);
  return mac;
}

function hexByte(): string {
  return Math.floor(Math.random() * 256)
    .toString(16)
    .padStart(2, '0');
}

/** The policy that dockerd sets. */
export function droppedForwarding(node: NodeHandle): Injection {
  const policy = (verdict: string) => node.run(['iptables', '-w', '-P', 'FORWARD', verdict]);
  return {
    what: `${node.name} drops what it would forward`,
    act: () => policy('DROP'),
    proof: async () =>
      (await node.run(['iptables', '-w', '-S', 'FORWARD'])).stdout.startsWith('-P FORWARD DROP'),
    undo: () => policy('ACCEPT'),
  };
}

/** A catch-all REJECT in front of everything in FORWARD, as firewalld brings it. */
export function rejectedForwarding(node: NodeHandle): Injection {
  const rule = ['FORWARD', '-j', 'REJECT', '--reject-with', 'icmp-host-prohibited'] as const;
  return {
    what: `${node.name} rejects what it would forward`,
    act: () => node.run(['iptables', '-w', '-I', ...rule]),
    proof: async () => (await node.run(['iptables', '-w', '-C', ...rule], { okCodes: [0, 1] })).code === 0,
    undo: () => node.run(['iptables', '-w', '-D', ...rule]),
  };
}
