// Files are replaced as a whole or not at all.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readPrevious, writeAtomically } from './files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flannel-lab-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a new file appears with its folder, mode 0644 whatever the umask, and nothing beside it', async () => {
  const umask = process.umask(0o077);
  try {
    writeAtomically(join(folder, 'a/b/subnet.env'), 'text');
  } finally {
    process.umask(umask);
  }
  expect(await readFile(join(folder, 'a/b/subnet.env'), 'utf8')).toBe('text');
  expect((await stat(join(folder, 'a/b/subnet.env'))).mode & 0o777).toBe(0o644);
  expect(await readdir(join(folder, 'a/b'))).toEqual(['subnet.env']);
});

test('an old file is replaced, and stays when the new one cannot be put', async () => {
  const path = join(folder, 'subnet.env');
  await writeFile(path, 'old');
  writeAtomically(path, 'new');
  expect(await readFile(path, 'utf8')).toBe('new');
  await mkdir(join(folder, 'folder'));
  await writeFile(join(folder, 'folder/inside'), '');
  expect(() => writeAtomically(join(folder, 'folder'), 'x')).toThrow();
  expect((await readdir(folder)).sort()).toEqual(['folder', 'subnet.env']);
});

test('what a killed run left half done goes with the next one, and nothing else', async () => {
  for (const name of ['.subnet.env.0123456789ab', '.subnet.env.swp', '.other.env.0123456789ab'])
    await writeFile(join(folder, name), 'half');
  writeAtomically(join(folder, 'subnet.env'), 'whole');
  expect((await readdir(folder)).sort()).toEqual([
    '.other.env.0123456789ab',
    '.subnet.env.swp',
    'subnet.env',
  ]);
});

test('a symbolic link is followed', async () => {
  await writeFile(join(folder, 'real'), 'old');
  await symlink(join(folder, 'real'), join(folder, 'link'));
  writeAtomically(join(folder, 'link'), 'new');
  expect(await readFile(join(folder, 'real'), 'utf8')).toBe('new');
});

test('what is no regular file is written to as it is', async () => {
  writeAtomically('/dev/null', 'x');
  expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
});

test('a former file that is missing, a folder, unreadable or huge counts as none', async () => {
  const none = { networks: {}, subnets: {} };
  expect(await readPrevious(join(folder, 'missing'))).toEqual(none);
  expect(await readPrevious(folder)).toEqual(none);
  await writeFile(join(folder, 'huge'), `${'x'.repeat(10_000_000)}\nFLANNEL_SUBNET=10.5.3.1/24\n`);
  expect(await readPrevious(join(folder, 'huge'))).toEqual(none);
  await writeFile(join(folder, 'secret'), '');
  await chmod(join(folder, 'secret'), 0);
  expect(await readPrevious(join(folder, 'secret'))).toEqual(none);
});

test('where no folder can be made, that is an error; a device without end counts as no former file', async () => {
  expect(() => writeAtomically('/proc/self/env/subnet.env', 'text')).toThrow(/ENOENT|ENOTDIR/);
  expect(await readPrevious('/dev/zero')).toEqual({ networks: {}, subnets: {} });
});
