// Lines of /proc/net/route.
import { endianness } from 'node:os';
import { expect, test } from 'vitest';
import { gatewayRoutes } from './kernel-routes.ts';

test.runIf(endianness() === 'LE')(
  'routes through a gateway are read, others and other lines passed over',
  () => {
    const table = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t004A010A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth0\t004A010A\t0707A8C0\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0
nonsense
`;
    expect(gatewayRoutes(table)).toEqual([
      { dev: 'eth0', to: '0.0.0.0/0', via: '192.0.2.1' },
      { dev: 'eth0', to: '10.1.74.0/24', via: '192.168.7.7' },
    ]);
  },
);
