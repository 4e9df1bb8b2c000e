// Datagrams to systemd's socket, by path and by abstract name.
import { mkdtemp, rm } from 'node:fs/promises';
import { endianness, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listenForDatagrams } from './datagrams.fixture.ts';
import { notify, socketAddress } from './notify.ts';

const family = endianness() === 'LE' ? '\x01\0' : '\0\x01';

test('a path ends in a zero byte, an abstract name starts with one', () => {
  expect(socketAddress('/run/x').toString('latin1')).toBe(`${family}/run/x\0`);
  expect(socketAddress('@x/y').toString('latin1')).toBe(`${family}\0x/y`);
});

test('a name that does not fit is refused', () => {
  expect(() => socketAddress('')).toThrow(/not a socket path/);
  expect(() => socketAddress(`/${'x'.repeat(108)}`)).toThrow(/not a socket path/);
});

test('what is sent arrives, and what cannot be sent is an error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-notify-'));
  try {
    for (const path of [join(folder, 'socket'), `@${folder}`]) {
      using socket = listenForDatagrams(path);
      await notify(path, 'READY=1\nSTATUS=fine');
      expect(socket.received()).toEqual(['READY=1\nSTATUS=fine']);
    }
    await expect(notify(join(folder, 'none'), 'READY=1')).rejects.toThrow(/cannot send to .*none, errno/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
