// A node that loses its power is missed by nobody else, and is the same node when it is back.
import { expect, onEveryPlatform, test } from '../harness/vitest/index.ts';

onEveryPlatform({}, platform => {
  test.override({ platform, spec: { nodes: 3 } });

  test('a node that crashes keeps its subnet, and the others reach each other meanwhile', async ({
    cluster,
  }) => {
    const node = cluster.node('node2');
    const before = await cluster.subnet(node);
    {
      await using _ = await cluster.fault.crash(node);
      await cluster.expectReachable({ except: [node] });
    }
    await cluster.expectConverged();
    expect(await cluster.subnet(node)).toEqual(before);
  });
});
