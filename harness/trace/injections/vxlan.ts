// What can go wrong with vxlan: forwarding entries, neighbours, MACs and the device.
import type { ShellInjection } from './injection.ts';

export const vxlan: readonly ShellInjection[] = [
  {
    name: 'no FDB entry',
    on: 'node1',
    breaks: 'bridge fdb del $MAC2 dev flannel.1 dst $NODE2',
    heals: 'bridge fdb replace $MAC2 dev flannel.1 dst $NODE2 self permanent',
    expected: { node: 'node1', cause: 'no-fdb', hop: 'between flannel.1 and eth0' },
  },
  {
    name: 'no FDB entry for the way back',
    on: 'node2',
    breaks: 'bridge fdb del $MAC1 dev flannel.1 dst $NODE1',
    heals: 'bridge fdb replace $MAC1 dev flannel.1 dst $NODE1 self permanent',
    expected: { node: 'node2', cause: 'no-fdb', direction: 'answer' },
  },
  {
    name: 'an FDB entry of another node',
    on: 'node1',
    breaks: 'bridge fdb replace $MAC2 dev flannel.1 dst $NODE3 self permanent',
    heals: 'bridge fdb replace $MAC2 dev flannel.1 dst $NODE2 self permanent',
    expected: { node: 'node1', cause: 'wrong-fdb' },
  },
  {
    name: 'an FDB entry of nobody',
    on: 'node1',
    breaks: 'bridge fdb replace $MAC2 dev flannel.1 dst 192.168.77.250 self permanent',
    heals: 'bridge fdb replace $MAC2 dev flannel.1 dst $NODE2 self permanent',
    expected: { node: 'node1', cause: 'wrong-fdb' },
  },
  {
    name: 'no neighbour',
    on: 'node1',
    breaks: 'ip neigh del $BASE2 dev flannel.1',
    heals: 'ip neigh replace $BASE2 lladdr $MAC2 dev flannel.1 nud permanent',
    expected: { node: 'node1', cause: 'no-neighbour' },
  },
  {
    name: 'a stale neighbour, with a forwarding entry of its own',
    on: 'node1',
    breaks: `ip neigh replace $BASE2 lladdr 02:00:00:00:00:09 dev flannel.1 nud permanent
bridge fdb replace 02:00:00:00:00:09 dev flannel.1 dst $NODE2 self permanent`,
    heals: `ip neigh replace $BASE2 lladdr $MAC2 dev flannel.1 nud permanent
bridge fdb del 02:00:00:00:00:09 dev flannel.1 dst $NODE2`,
    expected: { node: 'node1', cause: 'stale-neighbour' },
  },
  {
    name: 'a MAC that the lease does not know',
    on: 'node2',
    breaks: 'ip link set flannel.1 address 02:00:00:00:00:09',
    heals: 'ip link set flannel.1 address $MAC2',
    expected: { node: 'node2', cause: 'stale-mac' },
  },
  {
    name: 'flannel.1 of the receiver is down',
    on: 'node2',
    breaks: 'ip route show dev flannel.1 >/run/lab/routes; ip link set flannel.1 down',
    heals:
      'ip link set flannel.1 up; while read -r r; do ip route add $r dev flannel.1 onlink; done </run/lab/routes',
    expected: { node: 'node2', cause: 'device-down', hop: 'between eth0 and flannel.1' },
  },
  {
    name: 'flannel.1 of the sender is down',
    on: 'node1',
    breaks: 'ip route show dev flannel.1 >/run/lab/routes; ip link set flannel.1 down',
    heals:
      'ip link set flannel.1 up; while read -r r; do ip route add $r dev flannel.1 onlink; done </run/lab/routes',
    expected: { node: 'node1', cause: 'device-down', hop: 'between docker0 and flannel.1' },
  },
  {
    name: 'rp_filter and a way back elsewhere',
    on: 'node2',
    breaks: `echo 1 >/proc/sys/net/ipv4/conf/flannel.1/rp_filter
ip route add $POD1/32 via $NODE1`,
    heals: `echo 0 >/proc/sys/net/ipv4/conf/flannel.1/rp_filter
ip route del $POD1/32`,
    expected: { node: 'node2', cause: 'rp-filter' },
  },
];

/** flannel.1 as its daemon makes it, but for what is given. */
function anotherDevice(own: 1 | 2, peer: 1 | 2, options: string): string {
  return `ip link del flannel.1
ip link add flannel.1 address $MAC${own} mtu 1450 type vxlan ${options} dev eth0 local $NODE${own} nolearning
ip address add $BASE${own}/32 dev flannel.1
ip link set flannel.1 up
ip neigh replace $BASE${peer} lladdr $MAC${peer} dev flannel.1 nud permanent
bridge fdb replace $MAC${peer} dev flannel.1 dst $NODE${peer} self permanent
ip route replace $SUBNET${peer} via $BASE${peer} dev flannel.1 onlink`;
}

/** Deleted, the device is made again by the daemon. */
const remade = { heals: 'ip link del flannel.1' };

export const vxlanDevices: readonly ShellInjection[] = [
  {
    name: 'another VNI on the receiver',
    on: 'node2',
    breaks: anotherDevice(2, 1, 'id 2 dstport 8472'),
    ...remade,
    expected: { node: 'node2', cause: 'wrong-vni' },
  },
  {
    name: 'another VNI on the sender',
    on: 'node1',
    breaks: anotherDevice(1, 2, 'id 2 dstport 8472'),
    ...remade,
    expected: { node: 'node1', cause: 'wrong-vni' },
  },
  {
    name: 'another port on the receiver',
    on: 'node2',
    breaks: anotherDevice(2, 1, 'id 1 dstport 4789'),
    ...remade,
    expected: { node: 'node2', cause: 'wrong-port' },
  },
  {
    name: 'flannel.1 of the receiver is gone',
    on: 'node2',
    breaks: 'ip link del flannel.1',
    heals: 'true',
    expected: { node: 'node2', cause: 'device-missing' },
  },
  {
    name: 'flannel.1 of the sender is gone',
    on: 'node1',
    breaks: 'ip link del flannel.1',
    heals: 'true',
    expected: { node: 'node1', cause: 'device-missing' },
  },
];
