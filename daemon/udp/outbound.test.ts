// What becomes of packets that the kernel does not take as they are: its answers are played, the rest is real.
import { constants } from 'node:os';
import { beforeEach, expect, test, vi } from 'vitest';
import { parseCidr } from '../../lib/ip.ts';
import { createCounts, readCounters } from './counters.ts';
import { icmpRoom } from './icmp.ts';
import { Layout } from './layout.ts';
import { Memory } from './memory.ts';
import { DeviceGone, Outbound, outboundRoom } from './outbound.ts';
import { packet } from './packets.fixture.ts';
import { Table } from './table.ts';
import { Tally } from './tally.ts';
import { Teller } from './teller.ts';

const { EAGAIN, EIO, EMSGSIZE } = constants.errno;

const kernel = vi.hoisted(() => ({
  /** Packets that wait at the device; an error number once they are read. */
  waiting: [] as Uint8Array[],
  /** What each of the next sends is answered; 0 for success. */
  answers: [] as number[],
  /** How many packets each send had, by the size of its table of pieces. */
  sends: [] as number[],
  /** What was written to the device. */
  written: [] as Buffer[],
  polls: 0,
  error: 0,
  drained: 0,
}));

const memory = new Memory(new ArrayBuffer(outboundRoom + icmpRoom + 4096));

vi.mock('./system.ts', async original => {
  const real = await original<typeof import('./system.ts')>();
  const fail = (code: number) => {
    kernel.error = code;
    return -1;
  };
  return {
    ...real,
    lastError: () => kernel.error,
    calls: {
      ...real.calls,
      read: (_fd: number, at: number) => {
        const next = kernel.waiting.shift();
        if (!next) return fail(kernel.drained);
        memory.bytes.set(next, at);
        return next.length;
      },
      write: (_fd: number, at: number, length: number) => {
        kernel.written.push(Buffer.from(memory.bytes.slice(at, at + length)));
        return length;
      },
      sendmsg: (_fd: number, message: number) => {
        kernel.sends.push((memory.words32[(message + 24) >>> 2] as number) / 2);
        const code = kernel.answers.shift() ?? 0;
        return code === 0 ? 1 : fail(code);
      },
      poll: () => {
        kernel.polls++;
        return 1;
      },
    },
  };
});

vi.mock('./sockets.ts', async original => ({
  ...(await original<typeof import('./sockets.ts')>()),
  pathMtu: () => 1400,
  allowFragments: () => {},
}));

beforeEach(() => {
  Object.assign(kernel, { waiting: [], answers: [], sends: [], written: [], polls: 0, drained: EAGAIN });
});

function carrying() {
  const counts = createCounts();
  const tally = new Tally(counts);
  const layout = new Layout();
  const tun = { fd: 3, offloads: false, udpToo: false };
  const teller = new Teller(memory, layout, tun, tally);
  const table = new Table(8285);
  table.add({ subnet: parseCidr('10.5.2.0/24') ?? expect.unreachable(), publicIp: '192.168.7.2' });
  const notices: string[] = [];
  const notice = (text: string) => void notices.push(text);
  const sockets = [{ fd: 4, family: 4, segments: true, joins: true }] as const;
  const outbound = new Outbound({ memory, layout, tun, tally, teller, table, notice }, sockets);
  return { outbound, notices, counters: () => readCounters(counts) };
}

const packets = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, id) =>
    packet({ family: 4, proto: 'udp', id, payload: Buffer.alloc(1000, id), ...more }),
  );

test('packets of one size go with one call', () => {
  const { outbound, counters } = carrying();
  kernel.waiting = packets(20);
  outbound.carry(64, false);
  expect(kernel.sends).toEqual([20]);
  expect(counters()).toMatchObject({ sends: 1, sentPackets: 20 });
});

test('a lone packet goes before there is a look at whether there are more', () => {
  const { outbound } = carrying();
  kernel.waiting = packets(3);
  outbound.carry(64, true);
  expect(kernel.sends).toEqual([1, 2]);
});

test('where the kernel cannot cut them, each goes by itself from then on, which is said', () => {
  const { outbound, notices, counters } = carrying();
  kernel.waiting = packets(3);
  kernel.answers = [EIO];
  outbound.carry(64, false);
  kernel.waiting = packets(2);
  outbound.carry(64, false);
  expect(kernel.sends).toEqual([3, 1, 1, 1, 1, 1]);
  expect(notices).toEqual([expect.stringContaining('no checksum offload')]);
  expect(counters()).toMatchObject({ sentPackets: 5, sendFailed: 0 });
});

test('what the path does not take is told, or goes in fragments where that is allowed', () => {
  const { outbound, counters } = carrying();
  kernel.waiting = packets(1);
  kernel.answers = [EMSGSIZE, EMSGSIZE];
  outbound.carry(64, false);
  expect(counters()).toMatchObject({ tooLarge: 1, icmpSent: 1, sentPackets: 0 });
  // ICMP: destination unreachable, fragmentation needed, with the size that fits behind 28 bytes.
  expect([...(kernel.written[0]?.subarray(20, 22) ?? [])]).toEqual([3, 4]);
  expect(kernel.written[0]?.readUInt16BE(26)).toBe(1372);
  kernel.waiting = packets(1, { dontFragment: false });
  kernel.answers = [EMSGSIZE, EMSGSIZE];
  outbound.carry(64, false);
  expect(counters()).toMatchObject({ tooLarge: 1, sentPackets: 1 });
});

test('a full socket is waited for once, and then the packets are dropped', () => {
  const { outbound, counters } = carrying();
  kernel.waiting = packets(2);
  kernel.answers = [EAGAIN];
  outbound.carry(64, false);
  expect([kernel.polls, counters().sentPackets]).toEqual([1, 2]);
  kernel.waiting = packets(2);
  kernel.answers = [EAGAIN, EAGAIN];
  outbound.carry(64, false);
  expect([kernel.polls, counters().sendFailed]).toEqual([2, 2]);
});

test('what nobody has is told and counted, and a device that is gone ends it', () => {
  const { outbound, counters } = carrying();
  kernel.waiting = [packet({ family: 4, proto: 'tcp', destination: 9, payload: Buffer.alloc(1) })];
  outbound.carry(64, false);
  expect([...(kernel.written[0]?.subarray(20, 22) ?? [])]).toEqual([3, 0]);
  expect(counters()).toMatchObject({ noRoute: 1, icmpSent: 1 });
  kernel.drained = 77;
  expect(() => outbound.carry(64, false)).toThrow(DeviceGone);
});
