// One malformed record under `subnets/` made every node remove every route: flannel 0.21.3 and later.
import { expect, onEveryPlatform, test } from '../../harness/vitest/index.ts';

const badValues = [
  'not json',
  '{}',
  '{"PublicIP":5}',
  '{"PublicIP":"x"}',
  '',
  'null',
  '[]',
  'x'.repeat(1_000_000),
];
const badKeys = ['10.5.200.0-24x', 'foo', '10.5.999.0-24', '10.5.200.0-33', '10.5.200.0'];
const badVtep = '{"PublicIP":"192.168.77.99","BackendType":"vxlan","BackendData":{"VtepMAC":"zz"}}';
const noVtep = '{"PublicIP":"192.168.77.99","BackendType":"vxlan"}';
const good =
  '{"PublicIP":"192.168.77.99","BackendType":"vxlan","BackendData":{"VtepMAC":"02:00:00:00:00:99"}}';

onEveryPlatform({ drivers: ['netns'], backends: ['vxlan'] }, platform => {
  test.override({ platform, spec: { nodes: 2 } });

  test('C01: malformed records cost nobody a route, before and after start', async ({ cluster }) => {
    const { store } = cluster;
    await cluster.expectConverged();
    const watches = await Promise.all(cluster.nodes.map(node => cluster.watchRoutes(node)));
    const pinging = await cluster.startPinging();
    for (const value of [...badValues, badVtep, noVtep]) await store.put('subnets/10.5.201.0-24', value);
    for (const key of badKeys) await store.put(`subnets/${key}`, good);
    await store.put('subnets/10.5.202.0-24', 'still here when node3 starts');

    await cluster.join('node3');
    await cluster.expectConverged();
    await store.put('subnets/10.5.201.0-24', good);
    await cluster.expectConverged();
    for (const node of cluster.nodes.slice(0, 2)) {
      const lines = (await node.daemon.logs()).split('\n');
      for (const key of [...badKeys, '10.5.202.0-24'])
        expect(
          lines.filter(line => line.includes(`subnets/${key} `) || line.includes(`"${key}"`)),
          key,
        ).not.toEqual([]);
      expect(lines.length, lines.join('\n')).toBeLessThan(60);
    }

    for (const key of badKeys) await store.remove(`subnets/${key}`);
    await store.remove('subnets/10.5.202.0-24');
    await cluster.join('node4');
    await cluster.expectConverged();
    expect((await pinging.stop()).details, 'lost pings').toEqual([]);
    for (const watch of watches) expect((await watch.stop()).deleted).toEqual([]);
  });
});
