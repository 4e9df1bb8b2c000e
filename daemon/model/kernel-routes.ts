// The routing table as /proc/net/route shows it: hexadecimal numbers in the byte order of this machine.
import { endianness } from 'node:os';

const RTF_GATEWAY = 0x2;

export interface GatewayRoute {
  /** `10.5.3.0/24`. */
  readonly to: string;
  readonly via: string;
  readonly dev: string;
}

/** IPv4 routes through a gateway. Lines that are none are skipped. */
export function gatewayRoutes(text: string): GatewayRoute[] {
  return text.split('\n').flatMap(line => {
    const [dev = '', to = '', via = '', flags = '', , , , mask = ''] = line.trim().split(/\s+/);
    if (!/^[0-9A-F]{8}$/.test(to) || !(Number.parseInt(flags, 16) & RTF_GATEWAY)) return [];
    const length = Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length;
    return [{ dev, to: `${dotted(to)}/${length}`, via: dotted(via) }];
  });
}

function dotted(hex: string): string {
  const bytes = hex.match(/../g)?.map(byte => Number.parseInt(byte, 16)) ?? [];
  return (endianness() === 'LE' ? bytes.reverse() : bytes).join('.');
}
