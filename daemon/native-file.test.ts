// Loading a library out of memory: nothing is left on disk, and a folder that will not do is passed over.
import { closeSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { loadNative, openRemoved } from './native-file.ts';

function library(): Buffer {
  const koffi = createRequire(createRequire(import.meta.url).resolve('koffi'));
  const folder = dirname(koffi.resolve(`@koromix/koffi-linux-${process.arch}`));
  return readFileSync(join(folder, `linux_${process.arch}/koffi.node`));
}

test('the library works and has no name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-native-'));
  try {
    const { path, exports } = loadNative(library(), ['/nowhere', '/proc', folder]);
    expect(exports).toHaveProperty('load');
    expect(readdirSync(folder)).toEqual([]);
    expect(readlinkSync(path)).toMatch(/ \(deleted\)$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('where files have to have names, this one had one for a moment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-native-'));
  const file = openRemoved(folder);
  try {
    writeSync(file, 'what is in it');
    expect(readFileSync(`/proc/self/fd/${file}`, 'utf8')).toBe('what is in it');
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    closeSync(file);
    await rm(folder, { recursive: true });
  }
});

test('with no folder that will do, the error names each and its reason', () => {
  expect(() => loadNative(library(), ['/nowhere', '/proc'])).toThrow(
    /no folder to load native code from \(\/nowhere: .*ENOENT.*; \/proc: .*\)/,
  );
  expect(() => loadNative(Buffer.from('no library'), [tmpdir()])).toThrow('file too short');
});
