// What is asked of the kernel, byte for byte as iproute2 asks it, and answers of every length.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FdbEntry, NeighbourEntry, RouteEntry } from '../../model/net-state.ts';
import { changeRequests, type PeerOp, readAnswers } from './message.ts';

const route: RouteEntry = {
  kind: 'route',
  to: '10.5.2.0/24',
  via: '10.5.2.0',
  dev: 'flannel.1',
  onlink: true,
  metric: 0,
  protocol: 'boot',
};
const neighbour: NeighbourEntry = {
  kind: 'neighbour',
  dev: 'flannel.1',
  ip: 'fd00:5::2',
  mac: '02:00:00:00:00:aa',
};
const fdb: FdbEntry = { kind: 'fdb', dev: 'flannel.1', mac: '02:00:00:00:00:aa', dst: '192.168.7.2' };

const put = (entry: PeerOp['entry']): PeerOp => ({ verb: 'put', entry });
const remove = (entry: PeerOp['entry']): PeerOp => ({ verb: 'remove', entry });
const hex = (...ops: PeerOp[]) => changeRequests(ops, dev => (dev ? 7 : 0), 1).toString('hex');

test.each<[string, PeerOp, string]>([
  [
    'ip route replace 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink',
    put(route),
    '34000000 1800 0505 01000000 00000000 02180000fe030001 04000000 08000100 0a050200 08000500 0a050200 08000400 07000000',
  ],
  [
    'ip route del 10.5.2.0/24 dev flannel.1 metric 5',
    remove({ ...route, via: undefined, onlink: false, metric: 5 }),
    '34000000 1900 0500 01000000 00000000 02180000fe00ff00 00000000 08000100 0a050200 08000400 07000000 08000600 05000000',
  ],
  [
    'ip route replace blackhole 10.5.2.0/24 metric 4294967295',
    put({ ...route, blackhole: true, via: undefined, dev: undefined, onlink: false, metric: 2 ** 32 - 1 }),
    '2c000000 1800 0505 01000000 00000000 02180000fe030006 00000000 08000100 0a050200 08000600 ffffffff',
  ],
  [
    'ip neighbour replace fd00:5::2 lladdr 02:00:00:00:00:aa dev flannel.1 nud permanent',
    put(neighbour),
    '3c000000 1c00 0505 01000000 00000000 0a000000 07000000 80000000 14000100 fd000005000000000000000000000002 0a000200 0200000000aa0000',
  ],
  [
    'bridge fdb del 02:00:00:00:00:aa dev flannel.1 dst 192.168.7.2 self',
    remove(fdb),
    '30000000 1d00 0500 01000000 00000000 07000000 07000000 80000200 08000100 c0a80702 0a000200 0200000000aa0000',
  ],
])('%s', (_command, op, bytes) => expect(hex(op)).toBe(bytes.replaceAll(' ', '')));

test('of several, the last one asks for an answer, and they are counted on', () => {
  const all = changeRequests([put(route), put(fdb)], () => 7, 41);
  const second = all.readUInt32LE(0);
  expect([all.readUInt16LE(6) & 4, all.readUInt32LE(8)]).toEqual([0, 41]);
  expect([all.readUInt16LE(second + 6) & 4, all.readUInt32LE(second + 8)]).toEqual([4, 42]);
  expect(second + all.readUInt32LE(second)).toBe(all.length);
});

describe('answers', () => {
  const header = (length: number, flags: number) => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32LE(length, 0);
    bytes.writeUInt16LE(2, 4);
    bytes.writeUInt16LE(flags, 6);
    bytes.writeUInt32LE(9, 8);
    return bytes;
  };
  const code = (errno: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(-errno);
    return bytes;
  };
  const words = Buffer.concat([Buffer.from('20000100', 'hex'), Buffer.from('Nexthop has invalid gateway\0')]);

  test('success, and a failure in the words of the kernel behind the header or the whole of what was asked', () => {
    const done = Buffer.concat([header(36, 0x100), code(0), Buffer.alloc(16)]);
    const capped = Buffer.concat([header(68, 0x300), code(101), Buffer.alloc(16), words]);
    const asked = Buffer.alloc(20);
    asked.writeUInt32LE(20);
    const whole = Buffer.concat([header(72, 0x200), code(101), asked, words]);
    expect(readAnswers(Buffer.concat([done, capped, whole]))).toEqual([
      { sequence: 9, errno: 0, why: undefined },
      { sequence: 9, errno: 101, why: 'Nexthop has invalid gateway' },
      { sequence: 9, errno: 101, why: 'Nexthop has invalid gateway' },
    ]);
  });

  test('never more than there is, whatever the bytes say', () => {
    const lengths = fc.array(fc.constantFrom(0, 1, 2, 4, 16, 20, 36, 68, 255), { maxLength: 80 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }).map(bytes => [...bytes]),
          lengths,
        ),
        bytes => {
          for (const flags of [0, 0x200, 0x300]) {
            const datagram = Buffer.concat([header(16 + bytes.length, flags), Buffer.from(bytes)]);
            readAnswers(datagram);
            readAnswers(Buffer.from(bytes));
          }
        },
      ),
    );
  });
});
