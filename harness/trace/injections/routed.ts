// What can go wrong with routes, of each peer or of the whole network.
import type { ShellInjection } from './injection.ts';

export const routed: readonly ShellInjection[] = [
  {
    name: 'no route on the sender',
    on: 'node1',
    breaks: 'ip route show $SUBNET2 >/run/lab/route; ip route del $SUBNET2',
    heals: 'ip route add $(cat /run/lab/route)',
    expected: { node: 'node1', cause: 'no-route' },
  },
  {
    name: 'no route back',
    on: 'node2',
    breaks: 'ip route show $SUBNET1 >/run/lab/route; ip route del $SUBNET1',
    heals: 'ip route add $(cat /run/lab/route)',
    expected: { node: 'node2', cause: 'no-route', direction: 'answer' },
  },
  {
    name: 'a route that leads elsewhere',
    on: 'node1',
    breaks: 'ip route show $SUBNET2 >/run/lab/route; ip route replace $SUBNET2 via 192.168.77.250',
    heals: 'ip route replace $(cat /run/lab/route)',
    expected: { node: 'node1', cause: 'wrong-route' },
  },
];

/** With backends that have one route for all peers. */
export const detour: ShellInjection = {
  name: 'a route that leads past the device',
  on: 'node1',
  breaks: 'ip route add $SUBNET2 via 192.168.77.250 proto static',
  heals: 'ip route del $SUBNET2 via 192.168.77.250',
  expected: { node: 'node1', cause: 'wrong-route' },
};
