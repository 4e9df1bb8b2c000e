// Commands that show a failure again say what differs from the defaults, and can be pasted.
import { expect, test } from 'vitest';
import { clusterSpec } from './cluster-spec.ts';
import { labCommand, scenarioCommand } from './reproduce.ts';

test('lab', () => {
  const usual = clusterSpec({ driver: 'netns' });
  expect(labCommand('verify', usual)).toBe('npm run lab -- verify --driver netns --backend vxlan');
  const members = clusterSpec({ driver: 'netns', etcdMembers: 3 });
  expect(labCommand('up', members)).toBe('npm run lab -- up --driver netns --backend vxlan --etcd-members 3');
  const daemons = { default: 'bin:/opt/my flanneld', node2: 'ts' };
  const other = clusterSpec({ driver: 'docker', backend: 'host-gw', nodes: 2, mtu: 9000, daemons });
  expect(labCommand('up', other)).toBe(
    "npm run lab -- up --driver docker --backend host-gw --nodes 2 --mtu 9000 --daemon 'bin:/opt/my flanneld' --daemon node2=ts",
  );
});

test('a scenario, with the daemon of the environment', () => {
  const spec = clusterSpec({ driver: 'netns' });
  const platform = 'DRIVER=netns BACKEND=vxlan npm run scenarios -- -t';
  expect(scenarioCommand(spec, 'it works', {})).toBe(`${platform} "it works"`);
  expect(scenarioCommand(spec, 'costs $5 (about)', {})).toBe(`${platform} 'costs \\$5 \\(about\\)'`);
  expect(scenarioCommand(spec, 'it works', { DAEMON: 'bin:/x y' })).toBe(
    `DAEMON='bin:/x y' ${platform} "it works"`,
  );
});
