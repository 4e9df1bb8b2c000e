// What makes a set of nodes' subnets wrong.
import { expect, test } from 'vitest';
import { parseCidr } from '../../lib/ip.ts';
import { parseSubnetEnv } from '../node-state.ts';
import { type NodeFacts, subnetProblems } from './subnets.ts';

function facts(name: string, subnet: string, change: Partial<NodeFacts> = {}): NodeFacts {
  const gateway = subnet.replace('.0/', '.1/');
  const lease = {
    key: '',
    value: '',
    subnet: parseCidr(subnet),
    publicIp: '192.168.77.11',
    backendType: 'vxlan',
    vtepMac: undefined,
    publicKey: undefined,
  };
  const env = parseSubnetEnv(
    `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=${gateway}\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n`,
  );
  const docker0 = { address: gateway, mtu: 1450 };
  return { name, address: '192.168.77.11', hasDocker: true, lease, subnetEnv: env, docker0, ...change };
}

test('distinct subnets with matching docker0 are fine', () => {
  expect(subnetProblems([facts('node1', '10.5.1.0/24'), facts('node2', '10.5.2.0/24')])).toEqual([]);
});

test('two nodes with one subnet, and subnets inside each other', () => {
  expect(subnetProblems([facts('node1', '10.5.1.0/24'), facts('node2', '10.5.1.0/24')])).toEqual([
    'node1 and node2 share addresses: both have 10.5.1.0/24',
  ]);
  expect(subnetProblems([facts('node1', '10.5.0.0/22'), facts('node2', '10.5.1.0/24')])).toEqual([
    'node1 and node2 share addresses: 10.5.0.0/22 and 10.5.1.0/24',
  ]);
});

test('every disagreement between lease, subnet.env and docker0 is named', () => {
  const { lease } = facts('', '10.5.9.0/24');
  expect(
    subnetProblems([
      facts('node1', '10.5.1.0/24', { lease, docker0: { address: '172.17.0.1/16', mtu: 1500 } }),
    ]),
  ).toEqual([
    'node1 holds the lease 10.5.9.0/24, but its subnet.env says 10.5.1.0/24',
    'docker0 of node1 has 172.17.0.1/16, not 10.5.1.1/24',
    'docker0 of node1 has MTU 1500, but subnet.env says 1450',
  ]);
  expect(subnetProblems([facts('node1', '10.5.1.0/24', { lease: undefined })])).toEqual([
    'node1 uses 10.5.1.0/24, but no lease in etcd has its public IP 192.168.77.11',
  ]);
  expect(subnetProblems([facts('node1', '10.5.1.0/24', { subnetEnv: undefined })])).toEqual([
    'node1 has no usable subnet.env',
  ]);
  expect(subnetProblems([facts('node1', '10.5.1.0/24', { docker0: undefined })])).toEqual([
    'node1 has no docker0',
  ]);
});
