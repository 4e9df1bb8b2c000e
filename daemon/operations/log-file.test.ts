// The log file: appended to over restarts, bounded in size, and never someone else's.
import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UserError } from '../../lib/errors.ts';
import { openLogFile } from './log-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flannel-lab-log-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const read = (name: string) => readFile(join(folder, name), 'utf8');

test('lines are appended, also by the next start', async () => {
  openLogFile(join(folder, 'a/b'))('one');
  openLogFile(join(folder, 'a/b'))('two');
  expect(await read('a/b/flanneld.INFO')).toBe('one\ntwo\n');
});

test('beyond its limit a new file is begun, and only one old one kept', async () => {
  const write = openLogFile(folder, 10);
  for (const line of ['one one one', 'two two two', 'three']) write(line);
  expect(await read('flanneld.INFO')).toBe('three\n');
  expect(await read('flanneld.INFO.old')).toBe('two two two\n');
  expect(await readdir(folder)).toHaveLength(2);
});

test('the link of a Go daemon is replaced, its file left alone', async () => {
  await writeFile(join(folder, 'of-go'), 'go\n');
  await symlink('of-go', join(folder, 'flanneld.INFO'));
  openLogFile(folder)('ours');
  expect(await read('of-go')).toBe('go\n');
  expect((await lstat(join(folder, 'flanneld.INFO'))).isFile()).toBe(true);
});

test('a folder that cannot be had is an error with the remedy', async () => {
  await writeFile(join(folder, 'file'), '');
  const attempt = () => openLogFile(join(folder, 'file'));
  expect(attempt).toThrow(UserError);
  expect(attempt).toThrow(/cannot write the log file .*flanneld\.INFO/);
});
