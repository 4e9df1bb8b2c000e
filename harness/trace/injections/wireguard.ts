// What can go wrong with wireguard: devices, keys, peers, endpoints and handshakes.
import type { ShellInjection } from './injection.ts';

const peer = 'wg set flannel-wg peer';
const whole = (node: 1 | 2) =>
  `${peer} $KEY${node} endpoint $NODE${node}:51820 allowed-ips $SUBNET${node} persistent-keepalive 0`;
const device = 'between eth0 and flannel-wg';

export const wireguard: readonly ShellInjection[] = [
  {
    name: 'the device of the sender is down',
    on: 'node1',
    breaks: 'ip link set flannel-wg down',
    heals: 'ip link set flannel-wg up; ip route replace 10.5.0.0/16 dev flannel-wg scope link',
    expected: { node: 'node1', cause: 'device-down', hop: 'between docker0 and flannel-wg' },
  },
  {
    name: 'the device of the receiver is gone',
    on: 'node2',
    breaks: 'ip link del flannel-wg',
    heals: 'true',
    expected: { node: 'node2', cause: 'device-missing', hop: device },
  },
  {
    name: 'the sender does not have the peer',
    on: 'node1',
    breaks: `${peer} $KEY2 remove`,
    heals: whole(2),
    expected: { node: 'node1', cause: 'no-peer', hop: 'between flannel-wg and eth0' },
  },
  {
    name: 'the receiver does not have the peer',
    on: 'node2',
    breaks: `${peer} $KEY1 remove`,
    heals: whole(1),
    expected: { node: 'node2', cause: 'no-peer', hop: device },
  },
  {
    name: 'the peer has another key',
    on: 'node1',
    breaks: `${peer} $KEY2 remove; ${peer} $(wg genkey | wg pubkey) endpoint $NODE2:51820 allowed-ips $SUBNET2`,
    heals: `for k in $(wg show flannel-wg peers); do ${peer} $k remove; done; ${whole(2)}`,
    expected: { node: 'node1', cause: 'wrong-key' },
  },
  {
    name: 'the device has another key than its lease',
    on: 'node2',
    // Sessions with the former key would live on.
    breaks: `wg genkey >/run/lab/wgkey; wg set flannel-wg private-key /run/lab/wgkey; ${peer} $KEY1 remove; ${whole(1)}`,
    heals: 'wg set flannel-wg private-key /run/flannel/wgkey',
    expected: { node: 'node2', cause: 'wrong-key', hop: device },
  },
  {
    name: 'another endpoint',
    on: 'node1',
    breaks: `${peer} $KEY2 endpoint 192.168.77.250:51820`,
    heals: whole(2),
    expected: { node: 'node1', cause: 'wrong-endpoint' },
  },
  {
    name: 'another port of the endpoint',
    on: 'node1',
    breaks: `${peer} $KEY2 endpoint $NODE2:51821`,
    heals: whole(2),
    expected: { node: 'node1', cause: 'wrong-endpoint' },
  },
  {
    name: 'the receiver listens on another port',
    on: 'node2',
    breaks: 'wg set flannel-wg listen-port 51999',
    heals: 'wg set flannel-wg listen-port 51820',
    expected: { node: 'node2', cause: 'wrong-port' },
  },
  {
    name: 'nothing is sent through the peer',
    on: 'node1',
    breaks: `${peer} $KEY2 allowed-ips 10.5.255.0/24`,
    heals: whole(2),
    expected: { node: 'node1', cause: 'no-allowed-ip' },
  },
  {
    name: 'nothing is accepted from the peer',
    on: 'node2',
    breaks: `${peer} $KEY1 allowed-ips 10.5.255.0/24`,
    heals: whole(1),
    expected: { node: 'node2', cause: 'no-allowed-ip', hop: device },
  },
  {
    name: 'a preshared key that the peer does not have',
    on: 'node1',
    breaks: `${peer} $KEY2 remove; wg genpsk >/run/lab/psk; ${whole(2)} preshared-key /run/lab/psk`,
    heals: `${peer} $KEY2 preshared-key /dev/null`,
    expected: { node: 'node1', cause: 'no-handshake' },
  },
];
