// Readers found subnet.env empty or half written: up to 0.2.1, after a crash up to 0.28.7.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

const folder = '/run/flannel';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 1, docker: false } });

  test('K02: subnet.env is whole at every moment, whenever the daemon is killed', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    const sampler = `setsid sh -c 'while :; do
      text=$(cat ${folder}/subnet.env)
      case $text in *FLANNEL_NETWORK=*FLANNEL_SUBNET=*FLANNEL_MTU=*FLANNEL_IPMASQ=*) echo whole ;; *) echo "$text" ;; esac
    done' >/run/samples 2>&1 </dev/null & echo $! >/run/sampler.pid`;
    await node1.run(['sh', '-c', sampler]);
    for (const moment of [0, 60, 120, 150, 180, 200, 220, 250, 300]) {
      await node1.daemon.start();
      await new Promise(resolve => setTimeout(resolve, moment));
      await node1.daemon.kill();
    }
    await cluster.untilSubnetFileWritten(node1, () => node1.daemon.start());
    const { stdout } = await node1.run([
      'sh',
      '-c',
      'kill "$(cat /run/sampler.pid)"; sort /run/samples | uniq -c',
    ]);
    expect(stdout).toMatch(/^\s*\d+ whole\n$/);
    const found = await node1.run(['stat', '-c', '%a', `${folder}/subnet.env`]);
    expect(found.stdout).toBe('644\n');
    const temporary = await node1.run(['find', folder, '-type', 'f', '-name', '.*']);
    expect(temporary.stdout, 'nothing temporary is left').toBe('');
  });

  test('K02: who reads subnet.env while it is replaced reads one of the two, whole', async ({ cluster }) => {
    const node1 = cluster.node('node1');
    const text = async () => (await node1.run(['cat', `${folder}/subnet.env`])).stdout;
    const before = await text();
    // The reader has read its first line when the daemon writes, and the rest of it afterwards.
    const reader = `setsid sh -c 'read -r first; echo "$first"; touch /run/reading
      until [ -e /run/written ]; do sleep 0.01; done; cat; touch /run/read' <${folder}/subnet.env >/run/seen 2>&1 &`;
    await node1.run(['sh', '-c', `${reader}\nuntil [ -e /run/reading ]; do sleep 0.01; done`]);
    await cluster.store.putConfig({ ...cluster.spec.config, Network: '10.64.0.0/16' });
    await cluster.restartDaemon(node1, 'SIGTERM');
    await node1.run(['sh', '-c', 'touch /run/written; until [ -e /run/read ]; do sleep 0.01; done']);
    expect((await node1.run(['cat', '/run/seen'])).stdout).toBe(before);
    expect(await text()).toContain('FLANNEL_NETWORK=10.64.0.0/16');
  });

  test('K02: a folder that cannot be written to is an error that names it, and keeps the file', async ({
    cluster,
  }) => {
    const node1 = cluster.node('node1');
    const before = await node1.run(['cat', `${folder}/subnet.env`]);
    await node1.daemon.stop();
    await node1.run(['sh', '-c', `mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`]);
    await node1.daemon.start();
    expect(await cluster.expectEnd(node1)).toBe(1);
    await cluster.expectLog(node1, /\/run\/flannel/);
    expect((await node1.run(['cat', `${folder}/subnet.env`])).stdout).toBe(before.stdout);
  });
});
