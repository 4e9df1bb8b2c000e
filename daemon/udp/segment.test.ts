// Large packets cut for the wire, and packets of the wire joined: nothing of any stream changes on the way.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Coalescer, coalescerRoom } from './coalesce.ts';
import { mayAnswer } from './icmp.ts';
import { Memory } from './memory.ts';
import { cut, needsChecksum, type Offload, offloadLength, readOffload } from './offload.ts';
import { familyAt, totalLength } from './packet.ts';
import { complaints, packet, payloadOf, type Shape } from './packets.fixture.ts';
import { mostHeaders, segment, type Wire } from './segment.ts';

/** Memory with packets one behind the other, and what is needed beside them. */
const roomAt = 1 << 20;
const coalescerAt = (1 << 20) + 200 * mostHeaders;
const memory = new Memory(new ArrayBuffer(coalescerAt + coalescerRoom));

class Cut implements Wire {
  readonly packets: Buffer[] = [];
  #rooms = 0;

  room(): number {
    return roomAt + (this.#rooms++ % 200) * mostHeaders;
  }

  packet(headersAt: number, headers: number, payloadAt: number, payload: number): void {
    const part = (at: number, length: number) => memory.bytes.slice(at, at + length);
    this.packets.push(Buffer.concat([part(headersAt, headers), part(payloadAt, payload)]));
  }
}

function put(bytes: Uint8Array, at: number): void {
  memory.bytes.set(bytes, at);
}

function cutUp(whole: Uint8Array, family: 4 | 6, offload: Offload, at = 12): Buffer[] | undefined {
  put(whole, at);
  const wire = new Cut();
  return segment(memory, at, whole.length, family, offload, wire) ? wire.packets : undefined;
}

const offloadOf = ({ family, proto }: Pick<Shape, 'family' | 'proto'>, size: number): Offload => ({
  flags: needsChecksum,
  cut: proto === 'udp' ? cut.udp : family === 4 ? cut.tcp4 : cut.tcp6,
  size,
  sumFrom: family === 4 ? 20 : 40,
  sumTo: proto === 'udp' ? 6 : 16,
});

const shapes = fc.record({
  family: fc.constantFrom(4 as const, 6 as const),
  proto: fc.constantFrom('tcp' as const, 'udp' as const),
  sequence: fc.nat(0xffffffff),
  id: fc.nat(0xffff),
  dontFragment: fc.boolean(),
  options: fc.constantFrom(0, 12, 20, 40),
  flags: fc.constantFrom(0x10, 0x18, 0x11, 0x90, 0x99),
  payload: fc.uint8Array({ minLength: 1, maxLength: 9000 }),
});

describe('a large packet', () => {
  test('is cut into packets that are whole, and say the same together', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 2000 }), fc.nat(3), (shape, size, shift) => {
        const whole = packet(shape);
        const parts = cutUp(whole, shape.family, offloadOf(shape, size), 12 + shift) ?? [];
        expect(parts.flatMap(complaints)).toEqual([]);
        expect(Buffer.concat(parts.map(payloadOf)).equals(payloadOf(whole))).toBe(true);
        const lengths = parts.map(part => payloadOf(part).length);
        expect(lengths.slice(0, -1).every(length => length === size)).toBe(true);
        expect(lengths.at(-1)).toBeLessThanOrEqual(size);
        if (shape.family === 4)
          expect(parts.map(part => part.readUInt16BE(4))).toEqual(
            parts.map((_, n) => (shape.id + n) & 0xffff),
          );
        if (shape.proto === 'udp') return;
        const l4 = shape.family === 4 ? 20 : 40;
        expect(parts.map(part => part.readUInt32BE(l4 + 4))).toEqual(
          parts.map((_, n) => (shape.sequence + n * size) % 2 ** 32),
        );
        const flags = parts.map(part => part[l4 + 13] as number);
        const [first, last] = [0, parts.length - 1];
        expect(flags).toEqual(
          flags.map((_, n) => {
            const atEnd = n === last ? 0 : 0x09;
            const atStart = n === first ? 0 : 0x80;
            return shape.flags & ~(atEnd | atStart);
          }),
        );
      }),
    );
  });

  test('that needs only its checksum gets it', () => {
    for (const proto of ['tcp', 'udp'] as const) {
      const good = packet({ family: 4, proto, payload: Buffer.from('hello!!') });
      const raw = Buffer.from(good);
      // What the kernel leaves there: the sum over the pseudo header.
      const at = proto === 'tcp' ? 36 : 26;
      const length = raw.length - 20;
      const pseudo = [10 * 256 + 5, 256 + 2, 10 * 256 + 5, 2 * 256 + 2, proto === 'tcp' ? 6 : 17, length];
      raw.writeUInt16BE(
        pseudo.reduce((a, b) => a + b),
        at,
      );
      const offload = { flags: needsChecksum, cut: cut.none, size: 0, sumFrom: 20, sumTo: at - 20 };
      expect(cutUp(raw, 4, offload)?.map(complaints)).toEqual([[]]);
    }
  });

  test('that is not what it is said to be is refused, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 300 }),
        fc.constantFrom(4 as const, 6 as const),
        fc.record({
          flags: fc.nat(3),
          cut: fc.nat(6),
          size: fc.nat(2000),
          sumFrom: fc.nat(400),
          sumTo: fc.nat(400),
        }),
        (bytes, family, offload) => {
          const parts = cutUp(bytes, family, offload);
          // Each byte at most once: nothing is read from beyond the packet.
          const total = (parts ?? []).reduce((sum, part) => sum + part.length, 0);
          expect(total).toBeLessThanOrEqual(bytes.length * (1 + mostHeaders));
        },
      ),
    );
  });
});

/** What the device would get, cut again as the kernel would. */
function throughTheDevice(packets: readonly Uint8Array[], joinsUdp = true) {
  const delivered: Buffer[] = [];
  const calls: number[] = [];
  const coalescer = new Coalescer(memory, coalescerAt, joinsUdp, (pieces, count) => {
    delivered.push(Buffer.from(pieces.bytes()));
    calls.push(count);
  });
  let at = 12;
  for (const bytes of packets) {
    put(bytes, at);
    coalescer.add(at, bytes.length, (bytes[0] as number) >> 4 === 4 ? 4 : 6);
    at += bytes.length;
  }
  coalescer.flush();
  const offload = { flags: 0, cut: 0, size: 0, sumFrom: 0, sumTo: 0 };
  const again = delivered.flatMap(bytes => {
    put(bytes, 0);
    readOffload(memory, 0, offload);
    const whole = bytes.subarray(offloadLength);
    const parts = cutUp(whole, (whole[0] as number) >> 4 === 4 ? 4 : 6, offload);
    return parts ?? expect.unreachable();
  });
  return { again, calls };
}

const flowOf = (bytes: Uint8Array) => {
  const family = (bytes[0] as number) >> 4;
  const l4 = family === 4 ? 20 : 40;
  return (
    Buffer.from(bytes).toString('hex', family === 4 ? 9 : 6, family === 4 ? 10 : 7) +
    Buffer.from(bytes).toString('hex', l4, l4 + 4)
  );
};

/** A few connections whose packets come mixed, some of them out of the usual. */
const traffic = fc
  .array(
    fc.record({
      flow: fc.nat(4),
      size: fc.constantFrom(100, 100, 100, 100, 60, 101),
      odd: fc.constantFrom(
        '',
        '',
        '',
        '',
        'push',
        'fin',
        'gap',
        'corrupt',
        'ack',
        'hops',
        'options',
        'fragment',
        'window',
      ),
    }),
    { maxLength: 60 },
  )
  .map(steps => {
    const next = new Map<number, { sequence: number; id: number }>();
    return steps.map(({ flow, size, odd }) => {
      const state = next.get(flow) ?? { sequence: 0xffffff00, id: 0xfff0 };
      const shape: Shape = {
        family: flow % 2 ? 6 : 4,
        proto: flow > 2 ? 'udp' : 'tcp',
        ports: [1000 + flow, 80],
        sequence: (state.sequence + (odd === 'gap' ? 5 : 0)) % 2 ** 32,
        id: state.id,
        dontFragment: flow !== 2,
        acknowledgement: odd === 'ack' ? 9 : 7,
        hops: odd === 'hops' ? 9 : 64,
        options: odd === 'options' ? 12 : 0,
        flags: odd === 'push' ? 0x18 : odd === 'fin' ? 0x11 : 0x10,
        payload: Buffer.alloc(size, flow),
      };
      next.set(flow, { sequence: (state.sequence + size) % 2 ** 32, id: (state.id + 1) & 0xffff });
      const bytes = packet(shape);
      if (odd === 'corrupt') bytes[bytes.length - 1] = 0xee;
      if (odd === 'fragment' && shape.family === 4) bytes[6] = 0x20;
      return bytes;
    });
  });

describe('packets that came together', () => {
  test('are joined and can be cut again with nothing changed, in the order of each connection', () => {
    fc.assert(
      fc.property(traffic, packets => {
        const { again } = throughTheDevice(packets);
        for (const flow of new Set(packets.map(flowOf))) {
          const [before, after] = [packets, again].map(all => all.filter(bytes => flowOf(bytes) === flow));
          expect(after?.map(bytes => bytes.toString('hex'))).toEqual(
            before?.map(bytes => bytes.toString('hex')),
          );
        }
      }),
    );
  });

  test('of whatever kind, damaged or none at all, harm nobody', () => {
    const wound = fc.tuple(fc.nat(80), fc.nat(255));
    const hurt = fc
      .tuple(shapes, fc.array(wound, { maxLength: 6 }), fc.nat(120))
      .map(([shape, wounds, most]) => {
        const bytes = packet({ ...shape, payload: shape.payload.subarray(0, 200) });
        for (const [at, value] of wounds) bytes[at % bytes.length] = value;
        return bytes.subarray(0, bytes.length - (most % 3 === 0 ? Math.min(most, bytes.length) : 0));
      });
    const noise = fc.uint8Array({ maxLength: 120 }).map(bytes => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.array(fc.oneof(hurt, noise), { maxLength: 10 }), all => {
        let delivered = 0;
        const coalescer = new Coalescer(memory, coalescerAt, true, (_, packets) => {
          delivered += packets;
        });
        let at = 12;
        let expected = 0;
        for (const bytes of all) {
          put(bytes, at);
          // What the data plane asks before it goes on.
          const family = familyAt(memory, at, bytes.length);
          if (family !== 0) {
            mayAnswer(memory, at, bytes.length, family);
            coalescer.add(at, totalLength(memory, at, family), family);
            expected++;
          }
          at += bytes.length;
        }
        coalescer.flush();
        expect(delivered).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  const stream = (count: number, more: Partial<Shape> = {}) =>
    Array.from({ length: count }, (_, n) =>
      packet({
        family: 4,
        proto: 'tcp',
        sequence: 1 + n * 1000,
        id: n,
        payload: Buffer.alloc(1000, n),
        ...more,
      }),
    );

  test('of one connection are one', () => expect(throughTheDevice(stream(40)).calls).toEqual([40]));
  test('of UDP, too, where the kernel can cut them', () => {
    expect(throughTheDevice(stream(40, { proto: 'udp' })).calls).toEqual([40]);
    expect(throughTheDevice(stream(3, { proto: 'udp' }), false).calls).toEqual([1, 1, 1]);
  });
  test('of several connections are one each', () => {
    const [a, b] = [stream(8), stream(8, { ports: [5, 6] })];
    expect(throughTheDevice(a.flatMap((one, n) => [one, b[n] ?? one])).calls).toEqual([8, 8]);
  });
  test('are no more than 64, and no larger than IP allows', () => {
    const small = Array.from({ length: 100 }, (_, n) =>
      packet({ family: 4, proto: 'tcp', sequence: 1 + n * 10, payload: Buffer.alloc(10) }),
    );
    expect(throughTheDevice(small).calls).toEqual([64, 36]);
    const large = Array.from({ length: 40 }, (_, n) =>
      packet({ family: 6, proto: 'tcp', sequence: 1 + n * 8000, payload: Buffer.alloc(8000) }),
    );
    expect(Math.max(...throughTheDevice(large).calls)).toBe(8);
  });
  test('with a wrong checksum are left as they are, for the kernel to drop', () => {
    const [one, two = Buffer.alloc(0), three] = stream(3);
    two[50] = 0xff;
    expect(throughTheDevice([one, two, three].filter(bytes => bytes !== undefined)).calls).toEqual([1, 1, 1]);
  });
});
