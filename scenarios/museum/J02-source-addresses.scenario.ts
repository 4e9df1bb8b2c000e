// J02: who sees which source address, with masquerading and without, with iptables and with nftables.
import { describe } from 'vitest';
import { type Cluster, expect, onEveryPlatform, type Platform, test } from '../../harness/vitest/index.ts';
import { type Flow, outsider, send } from './source-addresses.ts';

const group = '224.0.0.251';

onEveryPlatform({ drivers: ['netns'] }, platform => {
  for (const mode of ['iptables', 'nftables'] as const) {
    for (const masquerade of [true, false]) {
      const what = `${mode}, masquerading ${masquerade ? 'on' : 'off'}`;
      describe(what, () => {
        const config = { EnableNFTables: mode === 'nftables' };
        test.override({ platform, spec: { nodes: 3, config, flags: [`-ip-masq=${masquerade}`] } });

        test(`J02: every flow keeps or changes its source address as it should (${what})`, async ({
          cluster,
        }) => {
          const flows = await prepare(cluster, platform, masquerade);
          for (const flow of flows) {
            const { source, answered } = await send(flow);
            expect.soft(source, flow.what).toBe(flow.source);
            const hasAnswer = masquerade && flow.to !== group;
            if (hasAnswer) expect.soft(answered, `${flow.what}: an answer`).toBe(true);
          }
        });
      });
    }
  }
});

/** The flows of the table, with what makes them possible in place. */
async function prepare(
  cluster: Cluster,
  { backend }: Platform,
  masquerade: boolean,
): Promise<readonly Flow[]> {
  const outside = await outsider(cluster);
  const [node1, node2] = [cluster.node('node1'), cluster.node('node2')];
  const [container1, container2] = [...node1.workloads, ...node2.workloads];
  if (!container1 || !container2) throw new TypeError('a node has no container');
  const [own, other] = await Promise.all([cluster.subnet(node1), cluster.subnet(node2)]);
  await cluster.expectRoute(own.subnet, [node2]);
  await cluster.expectRoute(other.subnet, [node1]);
  const gateway = own.gateway.split('/')[0] ?? '';
  const tunnel = backend === 'vxlan' ? gateway.replace(/\.\d+$/, '.0') : node1.address;
  const base = (address: string) => address.replace(/\.\d+$/, '.0/24');
  // Both ways into the cluster lead through node1.
  for (const subnet of [base(gateway), base(other.gateway.split('/')[0] ?? '')])
    await outside.run(['ip', 'route', 'replace', subnet, 'via', node1.address]);
  await node1.run(['ip', 'route', 'add', group, 'dev', 'eth0', 'src', gateway]);
  const { address: service } = node1;
  await node1.run(['sh', '-c', dnat(outside.address, service, container2.address)]);
  // Without -ip-masq docker0's own rules masquerade; here it is flannel's that are looked at.
  if (!masquerade)
    for (const node of [node1, node2]) await node.run(['iptables', '-t', 'nat', '-F', 'POSTROUTING']);

  const kept = (source: string, changed: string) => (masquerade ? changed : source);
  const one = container1.address;
  return [
    {
      what: '1 container to container',
      from: container1,
      to: container2.address,
      at: container2,
      source: one,
    },
    { what: '2 and back', from: container2, to: one, at: container1, source: container2.address },
    {
      what: '3 container to the outside',
      from: container1,
      to: outside.address,
      at: outside,
      source: kept(one, node1.address),
    },
    { what: '4 container to its own host', from: container1, to: node1.address, at: node1, source: one },
    { what: '4 container to docker0', from: container1, to: gateway, at: node1, source: one },
    {
      what: '5 container to the other host',
      from: container1,
      to: node2.address,
      at: node2,
      source: kept(one, node1.address),
    },
    {
      what: '6 host to remote container',
      from: node1,
      to: container2.address,
      at: container2,
      source: tunnel,
    },
    {
      what: '7 host, bound to eth0, to remote container',
      from: node1,
      bind: node1.address,
      to: container2.address,
      at: container2,
      source: kept(node1.address, tunnel),
    },
    { what: '8 host to its own container', from: node1, to: one, at: container1, source: gateway },
    {
      what: '9 outside to container, through its host',
      from: outside,
      to: one,
      at: container1,
      source: outside.address,
    },
    {
      what: '10 outside to container, through another host',
      from: outside,
      to: container2.address,
      at: container2,
      source: kept(outside.address, tunnel),
    },
    { what: '11 container to a group', from: container1, to: group, at: node1, source: one },
    {
      what: '11 host, as docker0, to a group on the underlay',
      from: node1,
      to: group,
      at: outside,
      source: gateway,
    },
    {
      what: '12 outside to a service on node1 that leads to a remote container',
      from: outside,
      to: service,
      at: container2,
      source: kept(outside.address, tunnel),
    },
  ];
}

/** Echo requests stand for the service: they are translated and answered as any other packet is. */
function dnat(from: string, service: string, container: string): string {
  return `iptables -w -t nat -A PREROUTING -s ${from} -d ${service} -p icmp -j DNAT --to-destination ${container}`;
}
