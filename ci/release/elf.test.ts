// A note in a program: where a loader finds it, and what is left of the rest.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withNote } from './elf.ts';

const node = readFileSync(process.execPath);
const content = Buffer.from('what is in the note');
const noted = withNote(node, 'TEST_NOTE', content);

/** Type, place in the file and in memory, and size of each segment of a program. */
function segments(program: Buffer) {
  const at = Number(program.readBigUInt64LE(32));
  return Array.from({ length: program.readUInt16LE(56) }, (_, index) => {
    const bytes = program.subarray(at + index * 56);
    const [offset, address, , size] = [8, 16, 24, 32].map(where => Number(bytes.readBigUInt64LE(where)));
    return { type: bytes.readUInt32LE(0), offset: offset ?? 0, address: address ?? 0, size: size ?? 0 };
  });
}

const ofType = (program: Buffer, type: number) => segments(program).filter(one => one.type === type);
const text = (program: Buffer, { offset, size }: { offset: number; size: number }) =>
  program.subarray(offset, offset + size).toString('latin1');

test('the note is in the one segment of notes, behind those that were there, and is loaded', () => {
  const [before, after] = [ofType(node, 4)[0], ofType(noted, 4)[0]];
  if (!before || !after) throw new Error('a program without notes');
  const notes = text(noted, after);
  expect(notes.startsWith(text(node, before))).toBe(true);
  expect(notes.slice(before.size)).toBe(
    `\x0a\0\0\0\x13\0\0\0\0\0\0\0TEST_NOTE\0\0\0${content.toString('latin1')}\0`,
  );
  const loads = ofType(noted, 1);
  const holder = loads.find(load => after.offset >= load.offset && after.offset < load.offset + load.size);
  expect(holder).toBe(loads.at(-1));
  expect(after.address - after.offset).toBe((holder?.address ?? 0) - (holder?.offset ?? 0));
});

test('one segment more is loaded, above all others and on pages of its own', () => {
  const [before, after] = [ofType(node, 1), ofType(noted, 1)];
  expect(after.slice(0, -1)).toEqual(before);
  const added = after.at(-1) ?? { offset: 1, address: 1 };
  expect([added.offset % 0x10000, added.address % 0x10000]).toEqual([0, 0]);
  for (const { address, size } of before) expect(added.address).toBeGreaterThanOrEqual(address + size);
});

test('the loader is found under the same name, and the program runs', () => {
  const [before, after] = [ofType(node, 3)[0], ofType(noted, 3)[0]];
  if (!before || !after) throw new Error('a program without a loader');
  expect(text(noted, after)).toBe(text(node, before));
  const folder = mkdtempSync(join(tmpdir(), 'flannel-lab-elf-'));
  try {
    const file = join(folder, 'node');
    writeFileSync(file, noted);
    chmodSync(file, 0o755);
    expect(execFileSync(file, ['--print', 'process.version'], { encoding: 'utf8' }).trim()).toBe(
      process.version,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('symbols and sections are gone', () => {
  expect(noted.readUInt16LE(60)).toBe(0);
  expect(noted.length).toBeLessThan(node.length - 1_000_000);
});

test('what is no program of this kind is refused', () => {
  expect(() => withNote(Buffer.from('#!/bin/sh\n'), 'A', content)).toThrow('not a 64-bit');
  const crowded = Buffer.from(node.subarray(0, 0x1000));
  const interpreter = segments(node).findIndex(({ type }) => type === 3);
  const at = Number(node.readBigUInt64LE(32)) + interpreter * 56;
  // The loader's name lies elsewhere, so that what lies behind the table is something else.
  crowded.writeBigUInt64LE(0x800n, at + 8);
  expect(() => withNote(crowded, 'A', content)).toThrow(/no room behind the table of segments: \d+ bytes/);
});
