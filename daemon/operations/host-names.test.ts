// Names on this host belong to one holder at a time. Within one process a second taker is as foreign as another.
import { expect, test } from 'vitest';
import { takeNames } from './host-names.ts';

const own = (thing: string) => `${thing} of test ${process.pid}`;

test('what is taken cannot be taken again, what is not can', async () => {
  await takeNames([own('device a'), own('device b')]);
  await takeNames([own('device c')]);
  await expect(takeNames([own('device d'), own('device b')])).rejects.toMatchObject({
    message: `another flanneld on this host has ${own('device b')}`,
    hint: expect.stringContaining(`ss -xlp | grep 'flanneld: ${own('device b')}'`),
  });
});

test('long names differ in all of their letters', async () => {
  const long = (end: string) => `the subnet file /${'x'.repeat(200)}/${end}/${process.pid}`;
  await takeNames([long('a'), long('b')]);
  await expect(takeNames([long('b')])).rejects.toThrow(
    'another flanneld on this host has the subnet file /xx',
  );
});
