// Lease records that others have written to; mended unless somebody has written to them since.
import { UserError } from '../../lib/errors.ts';
import type { NodeHandle } from '../drivers/driver.ts';
import type { Entry } from '../store.ts';
import type { Injection } from './fault.ts';
import { randomMac } from './host-faults.ts';
import { type Scene, standing } from './kind.ts';

interface Tampering {
  readonly what: string;
  readonly key: string;
  readonly before: Entry;
  /** Undefined: the key is removed. */
  readonly after?: Entry | undefined;
}

/** The lease of the node is written to as `change` says; undefined removes it. */
async function tampering(
  { store }: Scene,
  node: NodeHandle,
  what: string,
  change: (entry: Entry) => Entry | undefined,
): Promise<Tampering> {
  const lease = await store.leaseOf(node.address);
  if (!lease) throw new UserError(`no lease in etcd has the public IP ${node.address} of ${node.name}`);
  const key = `subnets/${lease.key}`;
  const before = await store.entry(key);
  if (!before) throw new UserError(`${key} is not in etcd any more`);
  return { what: `${what} (${key})`, key, before, after: change(before) };
}

/** The record's JSON with other values in it. */
function changed(entry: Entry, values: Readonly<Record<string, unknown>>): Entry {
  return { ...entry, value: JSON.stringify({ ...JSON.parse(entry.value), ...values }) };
}

function make({ store }: Scene, { what, key, before, after }: Tampering): Injection {
  let written = false;
  return {
    what,
    act: async () => {
      written = await store.replace(key, before, after);
      if (!written) throw new UserError(`${key} was written to in the same moment`);
    },
    // What the transaction says: a daemon may have taken it back by now.
    proof: async () => written,
    undo: () => store.replace(key, after, before),
  };
}

/** The lease of the node has the public IP of another one. */
export const stealLease = standing({
  operands: '<node> <thief>',
  help: 'the lease of the node has the public IP of another node in it',
  read: words => [words.node(), words.node()],
  prepare: (scene, node: NodeHandle, thief: NodeHandle) =>
    tampering(scene, node, `${thief.name} has the lease of ${node.name}`, entry =>
      changed(entry, { PublicIP: thief.address }),
    ),
  make,
});

/** The lease of the node has another public IP, which nobody has unless told otherwise. */
export const changeLeaseIp = standing({
  operands: '<node> [<address>]',
  help: 'the lease of the node has another public IP in it, by default one that nobody has',
  read: words => [words.node(), words.optional()],
  prepare: (scene, node: NodeHandle, address: string = '192.0.2.1') =>
    tampering(scene, node, `the lease of ${node.name} has the public IP ${address}`, entry =>
      changed(entry, { PublicIP: address }),
    ),
  make,
});

/** The lease of the node has the MAC of no device. */
export const changeLeaseMac = standing({
  operands: '<node> [<mac>]',
  help: 'the lease of the node has another VtepMAC in it, by default that of no device',
  read: words => [words.node(), words.optional()],
  prepare: (scene, node: NodeHandle, mac: string = randomMac()) =>
    tampering(scene, node, `the lease of ${node.name} has the MAC ${mac}`, entry => {
      const data: unknown = JSON.parse(entry.value).BackendData;
      if (typeof data !== 'object' || data === null || !('VtepMAC' in data))
        throw new UserError(`the lease of ${node.name} has no VtepMAC`, {
          hint: 'that is what vxlan leases have',
        });
      return changed(entry, { BackendData: { ...data, VtepMAC: mac } });
    }),
  make,
});

/** The lease of the node is something nobody can read. */
export const damageLease = standing({
  operands: '<node> [<value>]',
  help: 'the lease of the node has a value that is no lease, by default broken JSON',
  read: words => [words.node(), words.optional()],
  prepare: (scene, node: NodeHandle, value: string = '{"PublicIP":') =>
    tampering(scene, node, `the lease of ${node.name} cannot be read`, entry => ({ ...entry, value })),
  make,
});

/** The lease of the node is removed, as if by somebody who takes the node for dead. */
export const deleteLease = standing({
  operands: '<node>',
  help: 'the lease of the node is removed',
  read: words => [words.node()],
  prepare: (scene, node: NodeHandle) =>
    tampering(scene, node, `the lease of ${node.name} is removed`, () => undefined),
  make,
});

/** The lease of the node never expires: what flannel calls a reservation. */
export const reserveLease = standing({
  operands: '<node>',
  help: 'the lease of the node is made a reservation: it does not expire',
  read: words => [words.node()],
  prepare: (scene, node: NodeHandle) =>
    tampering(scene, node, `the lease of ${node.name} is a reservation`, ({ value }) => ({ value })),
  make,
});
