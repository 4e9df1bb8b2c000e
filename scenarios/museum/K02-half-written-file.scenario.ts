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
