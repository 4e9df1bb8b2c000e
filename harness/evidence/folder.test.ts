// Limits of a folder of evidence: what is too long or too late says so.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Folder, shortened } from './folder.ts';

test('files are saved, cut, or say why they are missing', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'folder-'));
  const folder = new Folder(join(parent, 'one'), { time: 50, size: 100 });
  const read = (name: string) => readFile(join(folder.path, name), 'utf8');
  const [kept] = await Promise.all([
    folder.save('node1/short.txt', async () => 'short'),
    folder.save('long.txt', async () => `begin${'x'.repeat(500)}end`),
    folder.save('broken.txt', () => Promise.reject(new Error('no such thing'))),
    folder.save('late.txt', () => new Promise<string>(() => {})),
  ]);
  expect(kept).toBe('short');
  expect(await read('node1/short.txt')).toBe('short');
  expect(await read('long.txt')).toMatch(/^beginx{20}\n\[… 408 bytes are left out here.*\]\nx{72}end$/);
  expect(await read('broken.txt')).toBe('could not be collected: no such thing\n');
  expect(await read('late.txt')).toBe('could not be collected: late.txt took longer than 50 ms\n');
  const notes = Object.fromEntries(folder.files.map(({ path, note }) => [path, note]));
  expect(notes).toEqual({
    'node1/short.txt': undefined,
    'long.txt': 'cut',
    'broken.txt': 'could not be collected',
    'late.txt': 'could not be collected',
  });
  await rm(parent, { recursive: true });
});

test('what fits is as it was', () => {
  expect(shortened('ü'.repeat(50), 100)).toBe('ü'.repeat(50));
});
