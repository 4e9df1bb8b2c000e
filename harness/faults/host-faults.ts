// What others do to a host's devices, tables and files.

import { UserError } from '../../lib/errors.ts';
import { randomHex } from '../../lib/random.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import { act } from './kind.ts';

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

/** Empties a table of the device, once; rejects when there was nothing in it. */
export const flush = act({
  operands: '<node> routes|neighbours|fdb|addresses <device>',
  help: 'a table of the device is emptied',
  read: words => [
    words.node(),
    words.choice(['routes', 'neighbours', 'fdb', 'addresses']),
    words.text('which device'),
  ],
  what: (node: NodeHandle, what: Flushable, dev: string) => `${what} of ${dev} on ${node.name} are flushed`,
  act: async (_, node: NodeHandle, what: Flushable, dev: string) => {
    const listing = listings[what](dev);
    const script = `before=$(${listing}); [ -n "$before" ] || exit 9; ${removals[what](dev)}`;
    const { code } = await node.run(['sh', '-c', script], { okCodes: [0, 9] });
    if (code === 9) throw new UserError(`${dev} of ${node.name} has no ${what} to flush`);
  },
});

/** Gives the device another MAC, as udev and network managers do, once, and returns it. */
export const changeMac = act({
  operands: '<node> <device>',
  help: 'the device gets another MAC, as from udev or a network manager',
  read: words => [words.node(), words.text('which device')],
  what: (node: NodeHandle, dev: string) => `${dev} of ${node.name} gets another MAC`,
  act: async (_, node: NodeHandle, dev: string) => {
    const mac = randomMac();
    await node.run(['ip', 'link', 'set', dev, 'address', mac]);
    return mac;
  },
});

/** The device is deleted, once; rejects when there is none. */
export const deleteDevice = act({
  operands: '<node> <device>',
  help: 'the device is deleted',
  read: words => [words.node(), words.text('which device')],
  what: (node: NodeHandle, dev: string) => `${dev} of ${node.name} is deleted`,
  act: async (_, node: NodeHandle, dev: string) => {
    await node.run(['ip', 'link', 'delete', dev]);
  },
});

export function randomMac(): string {
  return `02:ba:d0${randomHex(3).replace(/../g, ':$&')}`;
}
