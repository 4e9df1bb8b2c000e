// Folders that are made once: by one of many, whole or not at all, and not kept for ever.
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { once, sourceHash } from './made.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flannel-lab-made-'));
});
afterEach(() => rm(root, { recursive: true }));

test('what is there is not made again', async () => {
  const folder = join(root, 'kind', 'one');
  const make = (text: string) => once(folder, path => writeFile(join(path, 'file'), text));
  expect(await make('first')).toBe(folder);
  expect(await make('second')).toBe(folder);
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('first');
});

test('a folder that cannot be made is not there', async () => {
  const making = once(join(root, 'one'), async path => {
    await writeFile(join(path, 'half'), '');
    throw new Error('no room');
  });
  await expect(making).rejects.toThrow('no room');
  expect(await readdir(root)).toEqual([]);
});

test('what nobody asked for in a week goes when something new is made', async () => {
  const [old, used] = [join(root, 'old'), join(root, 'used')];
  const before = new Date(Date.now() - 8 * 24 * 3600e3);
  for (const folder of [old, used]) {
    await mkdir(folder);
    await utimes(folder, before, before);
  }
  await once(used, async () => {});
  await once(join(root, 'new'), async () => {});
  expect((await readdir(root)).sort()).toEqual(['new', 'used']);
});

test('the hash is of contents', async () => {
  await writeFile(join(root, 'a.ts'), '1');
  await writeFile(join(root, 'b.md'), '1');
  const before = await sourceHash(root, ['*.ts']);
  await writeFile(join(root, 'b.md'), '2');
  expect(await sourceHash(root, ['*.ts'])).toBe(before);
  await writeFile(join(root, 'a.ts'), '2');
  expect(await sourceHash(root, ['*.ts'])).not.toBe(before);
});
