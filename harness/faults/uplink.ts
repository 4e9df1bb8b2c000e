// What a person has configured on a device of a node, so that it can be put back as a network manager does it.
import type { NodeHandle } from '../drivers/driver.ts';

export interface DeviceState {
  readonly dev: string;
  /** With their prefix lengths, IPv4 first. */
  readonly addresses: readonly string[];
  /** Default routes as `ip` takes them, with their families: `-4 default via 192.168.77.1`. */
  readonly routes: readonly string[];
}

export async function deviceState(node: NodeHandle, dev: string): Promise<DeviceState> {
  const show = (...words: string[]) => node.run(['ip', ...words]).then(({ stdout }) => stdout);
  const [addresses, v4, v6] = await Promise.all([
    show('-o', 'address', 'show', 'dev', dev, 'scope', 'global'),
    show('-4', 'route', 'show', 'default', 'dev', dev),
    show('-6', 'route', 'show', 'default', 'dev', dev).catch(() => ''),
  ]);
  const gateways = (family: string, text: string) =>
    [...text.matchAll(/^default via (\S+)/gm)].map(([, via]) => `${family} default via ${via}`);
  return {
    dev,
    addresses: [...addresses.matchAll(/inet6? (\S+)/g)].map(([, address]) => address ?? ''),
    routes: [...gateways('-4', v4), ...gateways('-6', v6)],
  };
}

/** The shell commands that bring the device up with what it had. */
export function restoreScript({ dev, addresses, routes }: DeviceState): string {
  return [
    `ip link set ${dev} up`,
    ...addresses.map(
      address => `ip address replace ${address} dev ${dev}${address.includes(':') ? ' nodad' : ''}`,
    ),
    ...routes.map(route => `ip ${route.slice(0, 2)} route replace ${route.slice(3)} dev ${dev}`),
  ].join(' &&\n');
}
