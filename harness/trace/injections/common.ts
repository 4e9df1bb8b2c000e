// What can go wrong with any backend: containers, docker0, packet filters, sysctls and the underlay.
import type { ShellInjection } from './injection.ts';

const drop = (match: string) =>
  `nft 'add table ip x; add chain ip x f { type filter hook forward priority 0; }; add rule ip x f ${match} drop'`;

/** Between the nodes, on the way to node2; etcd is still reached. */
const parted = (match: string) =>
  `nft 'add table bridge x; add chain bridge x f { type filter hook forward priority 0; }; add rule bridge x f oifname veth12 ${match} drop'`;

export const common: readonly ShellInjection[] = [
  {
    name: 'the sending container has no default route',
    on: 'node1/a',
    breaks: 'ip route del default',
    heals: 'ip route add default via $GATEWAY1',
    expected: { node: 'node1', cause: 'no-default-route', hop: 'inside node1/a' },
  },
  {
    name: 'the receiving container has no default route',
    on: 'node2/a',
    breaks: 'ip route del default',
    heals: 'ip route add default via $GATEWAY2',
    expected: { node: 'node2', cause: 'no-default-route', direction: 'answer', hop: 'inside node2/a' },
  },
  {
    name: 'a container sends to another gateway',
    on: 'node2/a',
    breaks: 'ip route replace default via $OTHER2',
    heals: 'ip route replace default via $GATEWAY2',
    expected: { node: 'node2', cause: 'wrong-gateway', direction: 'answer' },
  },
  {
    name: 'docker0 of the receiver is not of its lease',
    on: 'node2',
    breaks: 'ip address flush dev docker0; ip address add 10.5.255.1/24 dev docker0',
    heals: 'ip address flush dev docker0; ip address add $GATEWAY2/24 dev docker0',
    expected: { node: 'node2', cause: 'docker0-mismatch' },
  },
  {
    name: 'docker0 of the sender is not of its lease',
    on: 'node1',
    breaks: `ip address flush dev docker0; ip address add 10.5.255.1/24 dev docker0
ip netns exec a ip neigh flush dev eth0`,
    heals: 'ip address flush dev docker0; ip address add $GATEWAY1/24 dev docker0',
    expected: { node: 'node1', cause: 'docker0-mismatch' },
  },
  {
    name: 'docker0 is down',
    on: 'node2',
    breaks: 'ip link set docker0 down',
    heals: 'ip link set docker0 up',
    expected: { node: 'node2', cause: 'device-down' },
  },
  {
    name: 'ip_forward is off on the receiver',
    on: 'node2',
    breaks: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
    heals: 'echo 1 >/proc/sys/net/ipv4/ip_forward',
    expected: { node: 'node2', cause: 'ip-forward-off' },
  },
  {
    name: 'ip_forward is off on the sender',
    on: 'node1',
    breaks: 'echo 0 >/proc/sys/net/ipv4/ip_forward',
    heals: 'echo 1 >/proc/sys/net/ipv4/ip_forward',
    expected: { node: 'node1', cause: 'ip-forward-off' },
  },
  {
    name: 'a rule drops what is forwarded',
    on: 'node2',
    breaks: drop('icmp type echo-request'),
    heals: 'nft delete table ip x',
    expected: { node: 'node2', cause: 'forward-drop' },
  },
  {
    name: 'a rule drops the answers',
    on: 'node1',
    breaks: drop('icmp type echo-reply'),
    heals: 'nft delete table ip x',
    expected: { node: 'node1', cause: 'forward-drop', direction: 'answer' },
  },
  {
    name: 'a rule drops large packets only',
    on: 'node2',
    breaks: drop('ip length > 1300 icmp type echo-request'),
    heals: 'nft delete table ip x',
    expected: { node: 'node2', cause: 'forward-drop', large: true },
  },
  {
    name: 'a rule of legacy iptables drops what the receiver forwards',
    on: 'node2',
    breaks: 'iptables-legacy -w -I FORWARD -s $POD1 -j DROP',
    heals: 'iptables-legacy -w -D FORWARD -s $POD1 -j DROP',
    expected: { node: 'node2', cause: 'forward-drop' },
  },
  {
    name: 'the FORWARD policy of legacy iptables is DROP on the sender',
    on: 'node1',
    breaks: 'iptables-legacy -w -P FORWARD DROP',
    heals: 'iptables-legacy -w -P FORWARD ACCEPT',
    expected: { node: 'node1', cause: 'forward-drop' },
  },
  {
    name: 'a policy of IPsec blocks what the receiver forwards',
    on: 'node2',
    breaks: 'ip xfrm policy add dir fwd src $POD1/32 dst $POD2/32 action block',
    heals: 'ip xfrm policy flush',
    expected: { node: 'node2', cause: 'ipsec-drop' },
    needs: 'drop tracepoint',
  },
  {
    name: 'a rule of routing refuses what the receiver forwards',
    on: 'node2',
    breaks: 'ip rule add from $POD1 to $POD2 blackhole',
    heals: 'ip rule del from $POD1 to $POD2 blackhole',
    expected: { node: 'node2', cause: 'no-route' },
    needs: 'drop tracepoint',
  },
  {
    name: 'a queue of the receiver lets nothing out',
    on: 'node2',
    breaks: 'tc qdisc add dev docker0 root tbf rate 8bit burst 60 limit 60',
    heals: 'tc qdisc del dev docker0 root',
    expected: { node: 'node2', cause: 'queue-drop' },
  },
  {
    name: 'the underlay is parted',
    on: 'underlay',
    breaks: parted('ether type ip'),
    heals: 'nft delete table bridge x',
    expected: { node: 'node1', cause: 'underlay-partition' },
  },
  {
    name: 'the underlay of the peer is smaller',
    on: 'node2',
    breaks: 'ip link set eth0 mtu 1400',
    heals: 'ip link set eth0 mtu 1500',
    expected: { node: 'node2', cause: 'mtu-blackhole', large: true },
  },
  {
    name: 'the underlay swallows large packets',
    on: 'underlay',
    breaks: parted('ip length > 1400'),
    heals: 'nft delete table bridge x',
    expected: { node: 'node1', cause: 'mtu-blackhole', large: true },
  },
  {
    name: 'the source is masqueraded',
    on: 'node1',
    breaks: 'iptables -w -t nat -I POSTROUTING -s $POD1 -d $POD2 -j MASQUERADE',
    heals: 'iptables -w -t nat -D POSTROUTING -s $POD1 -d $POD2 -j MASQUERADE',
    expected: { node: 'node1', cause: 'masquerade' },
  },
];
