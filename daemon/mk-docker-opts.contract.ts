// mk-docker-opts beside a routing table of its own: it warns of a route that takes docker0's packets away.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { canUnshare, createNamespace } from './kernel/namespace.fixture.ts';

const program = fileURLToPath(new URL('mk-docker-opts.sh', import.meta.url));
const reason = (await canUnshare()) ? undefined : 'no network namespaces';

test.skipIf(reason)('a route through a gateway to the own subnet is a warning, others are none', async () => {
  await using namespace = await createNamespace();
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-opts-'));
  try {
    const file = join(folder, 'subnet.env');
    await writeFile(file, 'FLANNEL_SUBNET=10.1.74.1/23\n');
    const run = () => namespace.runner.run(['sh', program, '-f', file, '-d', join(folder, 'out')]);
    await namespace.ip('link add eth0 type veth peer name eth1');
    await namespace.ip('link set eth0 up');
    await namespace.ip('address add 192.168.7.1/24 dev eth0');
    await namespace.ip('route add default via 192.168.7.254');
    await namespace.ip('route add 10.1.74.0/24 via 192.168.7.6');
    await namespace.ip('route add 10.1.72.0/23 dev eth0');
    expect((await run()).stderr).toBe('');
    await namespace.ip('route add 10.1.74.0/23 via 192.168.7.7');
    expect((await run()).stderr).toBe(
      'mk-docker-opts: warning: there is a route to 10.1.74.0/23 already, via 192.168.7.7 dev eth0\n',
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
