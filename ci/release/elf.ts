// Puts a note into an ELF program, which is how Node finds the application inside its own executable. Pure.

/** Names of elf(5). */
const PT_LOAD = 1;
const PT_INTERP = 3;
const PT_NOTE = 4;
const PT_PHDR = 6;
const PF_R = 4;

const headerSize = 64;
const segmentSize = 56;
/** Of pages, on any machine of the two kinds. */
const page = 0x10000;

interface Segment {
  readonly type: number;
  readonly flags: number;
  /** In the file. */
  readonly offset: number;
  /** In memory. */
  readonly address: number;
  /** In the file, in bytes. */
  readonly size: number;
  /** In memory, in bytes. */
  readonly room: number;
  readonly align: number;
}

/**
 * A copy of `program` that has `content` in memory as a note of this name. Symbols, debugging information and everything
 * else that is not loaded is left out.
 *
 * One more segment needs one more entry in the table of segments. Behind the table lie the name of the loader and the
 * notes, as linkers do it: these move into the new segment, so that the table has room where it is. Throws when
 * the program is another one than that.
 */
export function withNote(program: Buffer, name: string, content: Uint8Array): Buffer {
  const segments = readSegments(program);
  const loads = segments.filter(({ type }) => type === PT_LOAD);
  const interpreter = only(segments, PT_INTERP);
  const notes = only(segments, PT_NOTE);
  const tableAt = Number(program.readBigUInt64LE(32));
  const tableEnd = tableAt + (segments.length + 1) * segmentSize;
  checkRoom(program, tableEnd, [interpreter, notes]);

  const end = Math.max(...loads.map(({ offset, size }) => offset + size));
  const offset = up(end, page);
  const address = up(Math.max(...loads.map(load => load.address + load.room)), page);
  const loader = aligned(bytesOf(program, interpreter), 16);
  const allNotes = Buffer.concat([bytesOf(program, notes), note(name, content)]);
  const place = (at: number, size: number) => ({
    offset: offset + at,
    address: address + at,
    size,
    room: size,
  });

  const added = place(0, loader.length + allNotes.length);
  const table = segments.flatMap(segment => {
    if (segment === interpreter) return [{ ...segment, ...place(0, segment.size) }];
    if (segment === notes) return [{ ...segment, ...place(loader.length, allNotes.length) }];
    if (segment.type === PT_PHDR)
      return [{ ...segment, size: segment.size + segmentSize, room: segment.room + segmentSize }];
    if (segment === loads.at(-1)) return [segment, { type: PT_LOAD, flags: PF_R, align: page, ...added }];
    return [segment];
  });

  const result = Buffer.concat([program.subarray(0, end), Buffer.alloc(offset - end), loader, allNotes]);
  for (const [index, segment] of table.entries())
    writeSegment(result.subarray(tableAt + index * segmentSize), segment);
  result.writeUInt16LE(table.length, 56);
  // Nothing is left of the table of sections, which is for linkers and debuggers.
  result.writeBigUInt64LE(0n, 40);
  result.writeUInt16LE(0, 60);
  result.writeUInt16LE(0, 62);
  return result;
}

function checkRoom(program: Buffer, tableEnd: number, movable: readonly Segment[]): void {
  const free = movable.toSorted((a, b) => a.offset - b.offset);
  let reach = tableEnd - segmentSize;
  for (const { offset, size } of free) if (offset <= up(reach, 16)) reach = Math.max(reach, offset + size);
  if (reach < tableEnd || program.length < headerSize)
    throw new Error(`no room behind the table of segments: ${tableEnd - reach} bytes are missing`);
}

function readSegments(program: Buffer): readonly Segment[] {
  const isElf64 = program.length > headerSize && program.readUInt32BE(0) === 0x7f454c46 && program[4] === 2;
  if (!isElf64 || program[5] !== 1) throw new Error('not a 64-bit little-endian ELF program');
  const at = Number(program.readBigUInt64LE(32));
  return Array.from({ length: program.readUInt16LE(56) }, (_, index) => {
    const bytes = program.subarray(at + index * segmentSize);
    const number = (where: number) => Number(bytes.readBigUInt64LE(where));
    const [type, flags] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
    return {
      type,
      flags,
      offset: number(8),
      address: number(16),
      size: number(32),
      room: number(40),
      align: number(48),
    };
  });
}

function writeSegment(bytes: Buffer, { type, flags, offset, address, size, room, align }: Segment): void {
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(flags, 4);
  for (const [index, value] of [offset, address, address, size, room, align].entries())
    bytes.writeBigUInt64LE(BigInt(value), 8 + 8 * index);
}

function only(segments: readonly Segment[], type: number): Segment {
  const [found, another] = segments.filter(segment => segment.type === type);
  if (!found || another) throw new Error(`not exactly one segment of type ${type}`);
  return found;
}

const bytesOf = (program: Buffer, { offset, size }: Segment) => program.subarray(offset, offset + size);

/** As <link.h> has it: lengths of name and content, a type, and both, each filled up to four bytes. */
function note(name: string, content: Uint8Array): Buffer {
  const text = Buffer.from(`${name}\0`);
  const head = Buffer.alloc(12);
  head.writeUInt32LE(text.length, 0);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, aligned(text, 4), aligned(content, 4)]);
}

const up = (value: number, step: number) => Math.ceil(value / step) * step;

function aligned(bytes: Uint8Array, step: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(up(bytes.length, step) - bytes.length)]);
}
