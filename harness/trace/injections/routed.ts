// What can go wrong with backends that have a route for each peer.
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
