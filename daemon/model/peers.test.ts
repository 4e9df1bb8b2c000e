// Who is a peer follows from the leases there are, however they came to be; of two with one subnet, the first in key order.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCidr } from '../../lib/ip.ts';
import type { Lease } from './lease.ts';
import { peerSelector } from './peers.ts';

const viewpoint = {
  terms: { publicIps: { 4: '192.168.7.1' }, backendType: 'host-gw', backendData: {} },
  subnets: { 4: parseCidr('10.5.1.0/24') },
  enabled: [4, 6],
  objection: () => undefined,
} as const;

function leaseOf(key: string, { four = key, six = '', host = 2, backendType = 'host-gw' }): Lease {
  const subnets = { 4: parseCidr(four), 6: parseCidr(six) };
  const publicIps = { 4: `192.168.7.${host}`, 6: `fd00:7::${host}` };
  return { key, subnets, publicIps, backendType, backendData: {}, revision: 1, created: 1, grant: '1' };
}

test('of leases that have one subnet the first is the peer, until it goes', () => {
  const select = peerSelector(viewpoint);
  const six = 'fd00:5:0:9::/64';
  const [a, b, c] = ['10.5.2.0/24', '10.5.3.0/24', '10.5.4.0/24'].map(key => leaseOf(key, { six }));
  if (!a || !b || !c) return expect.unreachable();
  const winners = (leases: readonly Lease[]) =>
    select(leases)
      .peers.filter(({ family }) => family === 6)
      .map(({ lease }) => lease.key);
  expect(winners([b])).toEqual([b.key]);
  expect(winners([a, b, c])).toEqual([a.key]);
  expect(select([a, b, c]).ignored).toEqual(
    [b, c].map(lease => ({ lease, reason: 'another lease has this subnet' })),
  );
  expect(winners([b, c])).toEqual([b.key]);
  expect(winners([c])).toEqual([c.key]);
  expect(select([c]).ignored).toEqual([]);
});

test('what is remembered of lists before makes no difference', () => {
  const third = fc.constantFrom(1, 2, 3, 4);
  const kinds = fc.record({
    four: third.map(part => `10.5.${part}.0/24`),
    six: fc.oneof(
      third.map(part => `fd00:5:0:${part}::/64`),
      fc.constant(''),
    ),
    host: third,
    backendType: fc.constantFrom('host-gw', 'host-gw', 'vxlan'),
  });
  const pool = fc.array(kinds, { minLength: 1, maxLength: 6 });
  const lists = fc.array(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), { minLength: 1 });
  fc.assert(
    fc.property(pool, lists, (all, choices) => {
      const leases = all.map((kind, index) => leaseOf(`${index}`, kind));
      const select = peerSelector(viewpoint);
      for (const chosen of choices) {
        const present = leases.filter((_, index) => chosen[index]);
        expect(select(present)).toEqual(peerSelector(viewpoint)(present));
      }
    }),
  );
});
