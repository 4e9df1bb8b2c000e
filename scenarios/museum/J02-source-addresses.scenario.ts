// J02, J14: who sees which source address, in both modes and families, with masquerading and without.
import { describe } from 'vitest';
import {
  type Cluster,
  expect,
  type NodeHandle,
  onEveryPlatform,
  type Platform,
  test,
  type WorkloadHandle,
} from '../../harness/vitest/index.ts';
import { flows, type Spots, send } from './flows.ts';

const groups = { 4: '224.0.0.251', 6: 'ff05::fb' } as const;

onEveryPlatform({ drivers: ['netns'] }, platform => {
  for (const mode of ['iptables', 'nftables'] as const)
    for (const family of [4, 6] as const)
      for (const masquerade of [true, false]) {
        // The rules are the same for every backend; one of them without a tunnel is enough to show it.
        if (family === 6 && platform.backend === 'host-gw') continue;
        const what = `${mode}, IPv${family}, masquerading ${masquerade ? 'on' : 'off'}`;
        describe(what, () => {
          const six = family === 6 ? { EnableIPv6: true, IPv6Network: 'fd00:5::/48' } : {};
          const config = { EnableNFTables: mode === 'nftables', ...six };
          const allow = {
            'containers-reach-each-other':
              'one node is taken out, and docker0 masquerades until it is told not to',
          };
          const flags = [`-ip-masq=${masquerade}`];
          test.override({ platform, spec: { nodes: 3, config, flags, watch: { allow } } });

          test(`J02: every flow keeps or changes its source address as it should (${what})`, async ({
            cluster,
          }) => {
            const outside = await outsider(cluster);
            if (!masquerade) await forgetDockersMasquerading(cluster);
            const spots = await prepare(cluster, outside, platform, family);
            for (const flow of flows(spots, masquerade)) {
              const { source, answered } = await send(flow);
              expect.soft(source, flow.what).toBe(flow.source);
              const hasAnswer = masquerade && flow.to.address !== groups[family];
              if (hasAnswer) expect.soft(answered, `${flow.what}: an answer`).toBe(true);
            }
          });
        });
      }
});

/** Makes a host that knows nothing of the network out of the last node, and takes it out of the cluster. */
async function outsider(cluster: Cluster): Promise<NodeHandle> {
  const node = cluster.node('node3');
  await node.daemon.stop();
  await cluster.store.removeLease(node.address);
  await shell(
    node,
    `for dev in flannel.1 flannel-v6.1 docker0; do ip link delete $dev; done 2>/dev/null
ip route flush root 10.5.0.0/16
ip -6 route flush root fd00:5::/48
nft flush ruleset
echo 0 >/proc/sys/net/ipv4/ip_forward`,
  );
  return node;
}

/** Without -ip-masq docker0's own rules masquerade; here it is flannel's that are looked at. */
async function forgetDockersMasquerading({ nodes }: Cluster): Promise<void> {
  for (const node of nodes) await shell(node, 'iptables -t nat -F POSTROUTING');
}

/** Has all addresses and the ways between them in place. */
async function prepare(
  cluster: Cluster,
  outside: NodeHandle,
  { backend }: Platform,
  family: 4 | 6,
): Promise<Spots> {
  const [node1, node2] = [cluster.node('node1'), cluster.node('node2')];
  const [one, two] = await Promise.all([side(node1, family), side(node2, family)]);
  const exterior = await addressOf(outside, family);
  const ip = `ip -${family}`;
  // Both ways into the cluster lead through node1.
  for (const { subnet } of [one, two])
    await shell(outside, `${ip} route replace ${subnet} via ${one.address}`);
  const group = groups[family];
  // IPv6 keeps its routes to groups in the table that is asked first.
  const table = family === 6 ? 'multicast' : '';
  await shell(
    node1,
    `${ip} route add ${table} ${group} dev eth0 src ${one.gateway} ${table && 'table local metric 1'}`,
  );
  // Echo requests stand for the service: they are translated and answered as any other packet is.
  const [iptables, icmp] = family === 4 ? ['iptables', 'icmp'] : ['ip6tables', 'icmpv6'];
  const service = `-s ${exterior} -d ${one.address} -p ${icmp}`;
  const target = `--icmp${family === 6 ? 'v6' : ''}-type echo-request -j DNAT --to-destination ${two.container.address}`;
  await shell(node1, `${iptables} -w -t nat -A PREROUTING ${service} ${target}`);
  // Routes come with their leases, and neighbours on IPv6 take a second to be found.
  for (const [from, to] of [
    [one.container.place, two.container.address],
    [two.container.place, one.container.address],
    [outside, one.container.address],
  ] as const) {
    const answer = () => from.run(['ping', '-n', '-c', '1', '-W', '1', to], { okCodes: [0, 1, 2] });
    await expect.poll(async () => (await answer()).code, { timeout: 15_000 }).toBe(0);
  }
  return {
    container1: one.container,
    container2: two.container,
    node1: { place: node1, address: one.address },
    node2: { place: node2, address: two.address },
    outside: { place: outside, address: exterior },
    docker0: { place: node1, address: one.gateway },
    tunnel: backend === 'vxlan' ? one.base : one.address,
    group,
  };
}

/** What a node has of a family: docker0 and its container get their IPv6 addresses here, as the lab gives them none. */
async function side(node: NodeHandle, family: 4 | 6) {
  const { stdout } = await node.run(['cat', '/run/flannel/subnet.env']);
  const name = family === 4 ? 'FLANNEL_SUBNET' : 'FLANNEL_IPV6_SUBNET';
  const [, start = '', length = ''] = new RegExp(`^${name}=(.*[.:])1/(\\d+)$`, 'm').exec(stdout) ?? [];
  const [container] = node.workloads;
  if (!container || !start) throw new TypeError(`${node.name} has no container, or no ${name}`);
  const base = family === 4 ? `${start}0` : start;
  const gateway = `${start}1`;
  const address = family === 4 ? container.address : `${start}2`;
  if (family === 6) {
    // As dockerd does when it is asked for IPv6.
    await shell(
      node,
      `echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; ip address add ${gateway}/${length} dev docker0 nodad`,
    );
    await shell(
      container,
      `ip address add ${address}/${length} dev eth0 nodad; ip -6 route add default via ${gateway}`,
    );
  }
  return {
    subnet: `${base}/${length}`,
    base,
    gateway,
    address: await addressOf(node, family),
    container: { place: container, address },
  };
}

async function addressOf(node: NodeHandle, family: 4 | 6): Promise<string> {
  const { stdout } = await node.run([
    'ip',
    '-o',
    `-${family}`,
    'address',
    'show',
    'dev',
    'eth0',
    'scope',
    'global',
  ]);
  return /inet6? ([^/ ]+)/.exec(stdout)?.[1] ?? expect.unreachable(stdout);
}

function shell(place: NodeHandle | WorkloadHandle, script: string) {
  return place.run(['sh', '-c', script]);
}
