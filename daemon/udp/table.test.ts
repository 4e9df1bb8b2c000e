// Peers come and go one by one, and what is found is what a table made anew would say.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cidr, cidr, parseCidr, parseIp } from '../../lib/ip.ts';
import { Memory } from './memory.ts';
import { Table, type UdpPeer } from './table.ts';

const memory = new Memory(new ArrayBuffer(64));

function at(address: string): number {
  const ip = parseIp(address) ?? expect.unreachable();
  const bytes = ip.family === 4 ? 4 : 16;
  for (let n = 0; n < bytes; n++)
    memory.bytes[8 + n] = Number((ip.value >> BigInt(8 * (bytes - 1 - n))) & 0xffn);
  return 8;
}

const peer = (n: number, ip: number): UdpPeer => ({
  subnet: parseCidr(`10.5.${n}.0/24`) ?? expect.unreachable(),
  publicIp: `192.168.7.${ip}`,
});

test('whatever came and went, a packet goes to who is there, and comes from them', () => {
  const step = fc.record({ n: fc.nat(5), ip: fc.integer({ min: 1, max: 4 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const table = new Table(8285);
      const present = new Map<number, UdpPeer>();
      for (const { n, ip } of steps) {
        const before = present.get(n);
        if (before) table.remove(before);
        if (before?.publicIp === `192.168.7.${ip}`) present.delete(n);
        else {
          present.set(n, peer(n, ip));
          table.add(peer(n, ip));
        }
      }
      for (let n = 0; n <= 5; n++) {
        const index = table.to[4].find(memory, at(`10.5.${n}.9`));
        const publicIp = present.get(n)?.publicIp;
        expect(index >= 0).toBe(publicIp !== undefined);
        if (publicIp === undefined) continue;
        expect(table.from[4].find(memory, at(publicIp))).toBe(index);
        expect(table.names[index]?.subarray(2, 8)).toEqual(
          Buffer.from([8285 >> 8, 8285 & 255, ...publicIp.split('.').map(Number)]),
        );
      }
      const held = new Set([...present.values()].map(({ publicIp }) => publicIp));
      for (let ip = 1; ip <= 4; ip++)
        expect(table.from[4].find(memory, at(`192.168.7.${ip}`)) >= 0).toBe(held.has(`192.168.7.${ip}`));
    }),
  );
});

test('our own subnets are those of the lease that is held', () => {
  const table = new Table(8285);
  const of = (text: string): Cidr => parseCidr(text) ?? expect.unreachable();
  table.hold({ 4: of('10.5.1.0/24'), 6: of('fd00:5:0:1::/64') });
  const isOwn = (address: string) => table.own[address.includes(':') ? 6 : 4].find(memory, at(address)) >= 0;
  expect(['10.5.1.9', '10.5.2.9', 'fd00:5:0:1::9', 'fd00:5:0:2::9'].map(isOwn)).toEqual([
    true,
    false,
    true,
    false,
  ]);
  table.hold({ 4: of('10.5.2.0/24') });
  expect(['10.5.1.9', '10.5.2.9', 'fd00:5:0:1::9'].map(isOwn)).toEqual([false, true, false]);
});

test('a prefix that holds everything is found last', () => {
  const table = new Table(8285);
  const all = cidr({ family: 4, value: 0n }, 0);
  table.add({ subnet: all, publicIp: '192.168.7.1' });
  table.add(peer(3, 2));
  const found = (address: string) => table.to[4].find(memory, at(address));
  expect(['200.1.1.1', '10.5.3.1', '1.1.1.1'].map(found)).toEqual([0, 1, 0]);
  table.remove({ subnet: all, publicIp: '192.168.7.1' });
  expect(['200.1.1.1', '10.5.3.1', '1.1.1.1'].map(found)).toEqual([-1, 1, -1]);
});
