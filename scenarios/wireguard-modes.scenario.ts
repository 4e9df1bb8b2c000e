// Backend wireguard in each of its modes, with each family, and with each key of its configuration.
import { type Cluster, describe, expect, onEveryPlatform, test, until } from '../harness/vitest/index.ts';
import { expectPeers, keyFile, output, platforms } from './wireguard-nodes.ts';

const netns = { ...platforms, drivers: ['netns'] } as const;

onEveryPlatform(netns, platform => {
  const PSK = 'b25lIHNlY3JldCBvZiAzMiBieXRlcywgc2hhcmVkISE=';
  const config = { Backend: { PSK, PersistentKeepaliveInterval: 7, ListenPort: 51_900, MTU: 1400 } };
  test.override({ platform, spec: { nodes: 2, config, flags: ['-v=1'] } });

  test('a shared key, keepalive, another port and MTU; no key is in the log', async ({ cluster }) => {
    await cluster.expectReachable();
    for (const node of cluster.nodes) {
      expect(await output(node, 'wg', 'show', 'flannel-wg', 'preshared-keys')).toContain(PSK);
      expect(await output(node, 'wg', 'show', 'flannel-wg', 'persistent-keepalive')).toMatch(/\t7$/m);
      expect(await output(node, 'wg', 'show', 'flannel-wg', 'endpoints')).toMatch(/:51900$/m);
      expect((await cluster.subnet(node)).mtu).toBe(1320);
      const log = await node.daemon.logs();
      const secret = (await output(node, 'cat', keyFile)).trim();
      expect(log).toContain('put wireguard-peer');
      for (const one of [PSK, secret]) expect(log).not.toContain(one);
    }
  });
});

const both = { EnableIPv6: true, IPv6Network: 'fd00:5::/48' };

/** The first node's ping over IPv6 to the second one's tunnel address, with the largest packet that fits and one more. */
async function expectIPv6({ nodes }: Cluster, dev: string): Promise<void> {
  const [one, two] = nodes;
  if (!one || !two) return expect.unreachable();
  const own = async () => {
    const shown = await output(two, 'ip', '-6', '-o', 'address', 'show', 'dev', dev, 'scope', 'global');
    return / (fd00:5:\S+)\/128 /.exec(shown)?.[1];
  };
  const address = await until(own, { what: `an address on ${dev}`, timeout: 5000 });
  const ping = (size: number) =>
    one.run(['ping', '-6', '-n', '-c1', '-W2', '-Mdo', '-s', String(size - 48), address], {
      okCodes: [0, 1, 2],
    });
  await expect.poll(async () => (await ping(1420)).code).toBe(0);
  expect((await ping(1421)).stderr).toMatch(/message too long/i);
}

for (const [Mode, dev6, endpoint] of [
  ['separate', 'flannel-wg-v6', /\t\[fd.*\]:51821$/m],
  ['auto', 'flannel-wg', /\t192.*:51820$/m],
  ['ipv6', 'flannel-wg', /\t\[fd.*\]:51820$/m],
] as const) {
  onEveryPlatform(netns, platform => {
    describe(`mode ${Mode}`, () => {
      test.override({ platform, spec: { nodes: 2, config: { ...both, Backend: { Mode } } } });

      test('both families pass', async ({ cluster }) => {
        await cluster.expectReachable();
        await expectPeers(cluster, dev6);
        expect(await output(cluster.node('node1'), 'wg', 'show', dev6, 'endpoints')).toMatch(endpoint);
        await expectIPv6(cluster, dev6);
      });
    });
  });

  if (Mode !== 'auto')
    onEveryPlatform(netns, platform => {
      const config = { ...both, EnableIPv4: false, Backend: { Mode } };
      describe(`mode ${Mode}, IPv6 alone`, () => {
        test.override({ platform, spec: { nodes: 2, config, docker: false } });

        test('IPv6 passes', async ({ cluster }) => {
          await expectIPv6(cluster, dev6);
        });
      });
    });
}
