// Which mappings can be given back, and that it makes this process smaller and leaves it running.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { releaseProgramPages, unwritten } from './program-pages.ts';

test('only what is read-only, private, of the program and never written', () => {
  const mapping = (range: string, rights: string, path: string, anonymous = 0) =>
    `${range} ${rights} 00346000 fe:00 5366032                 ${path}\nSize:  12 kB\nRss:  8 kB\nAnonymous:  ${anonymous} kB\nVmFlags: rd ex`;
  const text = [
    mapping('00746000-00749000', 'r-xp', '/opt/node/bin/node'),
    mapping('06b52000-06b56000', 'r--p', '/opt/node/bin/node', 8), // relocated, then protected
    mapping('06b56000-06b7d000', 'rw-p', '/opt/node/bin/node'),
    mapping('7f0000000000-7f0000001000', 'r--s', '/opt/node/bin/node'),
    mapping('7f433ad80000-7f433af85000', 'r-xp', '/usr/lib/libc.so.6'),
    '7fff00000000-7fff00001000 r-xp 00000000 00:00 0                          [vdso]\nAnonymous:  0 kB',
    mapping('7f543ad80000-7f543af85000', 'r--p', '/opt/node/bin/node'),
  ].join('\n');
  expect(unwritten(text, '/opt/node/bin/node')).toEqual([
    { address: 0x746000n, size: 0x3000n },
    { address: 0x7f543ad80000n, size: 0x205000n },
  ]);
});

test('the process becomes smaller and goes on', async () => {
  const before = await fileMegabytes();
  await releaseProgramPages();
  expect(await fileMegabytes()).toBeLessThan(before * 0.8);
});

/** What is resident of mapped files, here above all the program. */
async function fileMegabytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'latin1');
  return Number(/^RssFile:\s+(\d+) kB$/m.exec(status)?.[1]) / 1000;
}
