// Packets for tests, made and checked byte by byte: nothing here uses what is tested.

export interface Shape {
  readonly family: 4 | 6;
  readonly proto: 'tcp' | 'udp';
  readonly source?: number;
  readonly destination?: number;
  readonly ports?: readonly [number, number];
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly flags?: number;
  /** Of TCP; a multiple of 4 bytes. */
  readonly options?: number;
  readonly id?: number;
  readonly dontFragment?: boolean;
  readonly hops?: number;
  readonly payload: Uint8Array;
}

/** 10.5.`n`.2, or fd00:5:0:`n`::2. */
export function addressOf(family: 4 | 6, n: number): Buffer {
  if (family === 4) return Buffer.from([10, 5, n, 2]);
  return Buffer.from([0xfd, 0, 0, 5, 0, 0, 0, n, 0, 0, 0, 0, 0, 0, 0, 2]);
}

export function packet(shape: Shape): Buffer {
  const { family, proto, payload, ports = [1000, 2000], options = 0, hops = 64 } = shape;
  const inner = proto === 'tcp' ? Buffer.alloc(20 + options, 1) : Buffer.alloc(8);
  inner.writeUInt16BE(ports[0], 0);
  inner.writeUInt16BE(ports[1], 2);
  if (proto === 'tcp') {
    inner.writeUInt32BE(shape.sequence ?? 1, 4);
    inner.writeUInt32BE(shape.acknowledgement ?? 7, 8);
    inner.writeUInt16BE(((inner.length / 4) << 12) | (shape.flags ?? 0x10), 12);
    inner.writeUInt16BE(500, 14);
    inner.writeUInt32BE(0, 16);
  } else inner.writeUInt16BE(8 + payload.length, 4);
  const [from, to] = [addressOf(family, shape.source ?? 1), addressOf(family, shape.destination ?? 2)];
  const body = Buffer.concat([inner, payload]);
  const pseudo = pseudoHeader(from, to, proto === 'tcp' ? 6 : 17, body.length);
  body.writeUInt16BE(slowSum(Buffer.concat([pseudo, body])) ^ 0xffff || 0xffff, proto === 'tcp' ? 16 : 6);
  const outer = Buffer.alloc(family === 4 ? 20 : 40);
  if (family === 4) {
    outer[0] = 0x45;
    outer.writeUInt16BE(20 + body.length, 2);
    outer.writeUInt16BE(shape.id ?? 0, 4);
    outer.writeUInt16BE(shape.dontFragment === false ? 0 : 0x4000, 6);
    outer[8] = hops;
    outer[9] = proto === 'tcp' ? 6 : 17;
    from.copy(outer, 12);
    to.copy(outer, 16);
    outer.writeUInt16BE(slowSum(outer) ^ 0xffff, 10);
  } else {
    outer[0] = 0x60;
    outer.writeUInt16BE(body.length, 4);
    outer[6] = proto === 'tcp' ? 6 : 17;
    outer[7] = hops;
    from.copy(outer, 8);
    to.copy(outer, 24);
  }
  return Buffer.concat([outer, body]);
}

/** What is wrong with a packet as it would be on a wire; empty when it is well. */
export function complaints(bytes: Uint8Array): string[] {
  const data = Buffer.from(bytes);
  const family = (data[0] as number) >> 4;
  const header = family === 4 ? ((data[0] as number) & 15) * 4 : 40;
  const length = family === 4 ? data.readUInt16BE(2) : 40 + data.readUInt16BE(4);
  const proto = data[family === 4 ? 9 : 6] as number;
  const body = data.subarray(header);
  const [from, to] =
    family === 4
      ? [data.subarray(12, 16), data.subarray(16, 20)]
      : [data.subarray(8, 24), data.subarray(24, 40)];
  const found: string[] = [];
  if (length !== data.length) found.push(`says ${length} bytes, has ${data.length}`);
  if (family === 4 && slowSum(data.subarray(0, header)) !== 0xffff) found.push('IPv4 header checksum');
  if (proto === 17 && body.readUInt16BE(4) !== body.length) found.push('UDP length');
  const whole = Buffer.concat([pseudoHeader(from, to, proto, body.length), body]);
  if ((proto === 6 || proto === 17) && slowSum(whole) !== 0xffff) found.push('checksum');
  if (proto === 1 && slowSum(body) !== 0xffff) found.push('ICMP checksum');
  if (proto === 58 && slowSum(whole) !== 0xffff) found.push('ICMPv6 checksum');
  return found;
}

export function payloadOf(bytes: Uint8Array): Buffer {
  const data = Buffer.from(bytes);
  const l4 = (data[0] as number) >> 4 === 4 ? 20 : 40;
  const isTcp = data[l4 === 20 ? 9 : 6] === 6;
  return data.subarray(l4 + (isTcp ? ((data[l4 + 12] as number) >> 4) * 4 : 8));
}

function pseudoHeader(from: Uint8Array, to: Uint8Array, proto: number, length: number): Buffer {
  const rest = Buffer.alloc(8);
  rest.writeUInt32BE(length, 0);
  rest[7] = proto;
  return Buffer.concat([from, to, rest]);
}

/** RFC 1071, as its text has it. */
export function slowSum(bytes: Uint8Array): number {
  let total = 0;
  for (let n = 0; n < bytes.length; n += 2) {
    total += ((bytes[n] as number) << 8) + (bytes[n + 1] ?? 0);
    total = (total & 0xffff) + (total >> 16);
  }
  return total;
}
