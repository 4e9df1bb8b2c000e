// Checks of the kernel, on what good, bad and silent kernels say.
import { expect, test } from 'vitest';
import { factsWith, inEtcd, refused } from '../facts.fixture.ts';
import { cgroups, forwarding, kernelModules, limits, userNamespaces } from './kernel.ts';

const net = { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } };

test('ip_forward', () => {
  const judge = (changes: Parameters<typeof factsWith>[0]) => forwarding.judge(factsWith(changes), 'host');
  expect(judge({})).toEqual({ state: 'ok', saw: 'on' });
  expect(judge({ ipForward: '0\n' })).toEqual({
    state: 'warning',
    saw: 'off, until flanneld turns it on',
    fix: 'sysctl -w net.ipv4.ip_forward=1',
  });
  expect(judge({ ipForward: '0\n', subnetEnv: 'FLANNEL_NETWORK=10.5.0.0/16' })).toMatchObject({
    state: 'blocks',
  });
  expect(judge({ ipForward: refused })).toEqual({
    state: 'unknown',
    saw: '/proc/sys/net/ipv4/ip_forward: EACCES',
  });
});

test('modules: built in, loadable, listed, absent, or nobody knows', () => {
  const judge = (
    changes: Parameters<typeof factsWith>[0],
    backend = 'vxlan',
    purpose: 'lab' | 'host' = 'host',
  ) => kernelModules.judge(factsWith(changes, inEtcd({ ...net, Backend: { Type: backend } })), purpose);
  const some = 'CONFIG_BRIDGE=y\nCONFIG_VETH=m\nCONFIG_NF_TABLES=m\nCONFIG_TUN=m\n';
  const dep = (...names: readonly string[]) =>
    names.map(name => `kernel/net/${name}.ko.zst: kernel/x.ko`).join('\n');
  expect(judge({}).state).toBe('ok');
  expect(
    judge({ kernelConfig: null, modulesDep: dep('bridge', 'veth', 'nf_tables', 'vxlan', 'tun') }).state,
  ).toBe('ok');
  expect(
    judge({ kernelConfig: null, bootConfig: some, modulesDep: dep('veth', 'nf_tables', 'vxlan', 'tun') })
      .state,
  ).toBe('ok');
  const ubuntu = { osRelease: 'NAME="Ubuntu"\nID=ubuntu\n' };
  const without = { kernelConfig: some, modulesDep: dep('veth', 'nf_tables', 'tun'), ...ubuntu };
  expect(judge(without)).toEqual({
    state: 'blocks',
    saw: 'the kernel has no vxlan',
    fix: 'apt-get install "linux-modules-extra-$(uname -r)"',
  });
  expect(judge(without, 'udp').state).toBe('warning');
  expect(judge(without, 'udp', 'lab').state).toBe('blocks');
  expect(judge({ ...without, osRelease: 'ID="rocky"\nID_LIKE="rhel centos fedora"' }).fix).toContain(
    'dnf install',
  );
  expect(judge({ ...without, osRelease: 'ID=arch' }).fix).toBe('boot a kernel with CONFIG_VXLAN');
  // Where nothing tells, what works is there.
  const silent = judge({ kernelConfig: refused, iptables: null, nft: null });
  expect(silent).toMatchObject({ state: 'unknown', fix: 'modprobe -a bridge veth nf_tables vxlan tun' });
  expect(judge({ kernelConfig: refused, tunDevice: '' }).fix).toBe('modprobe -a bridge veth vxlan');
});

test('cgroups', () => {
  const judge = (mounts: string | typeof refused) => cgroups.judge(factsWith({ mounts }), 'lab');
  const first = '32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n';
  expect(judge('29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n')).toEqual({
    state: 'ok',
    saw: 'version 2',
  });
  expect(
    judge(`${first}40 31 0:3 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n`).state,
  ).toBe('ok');
  expect(judge(first)).toMatchObject({ state: 'warning', fix: expect.stringContaining('name=systemd') });
  expect(judge('1 1 0:1 / / rw - ext4 /dev/vda rw\n')).toMatchObject({ state: 'blocks' });
  expect(judge(refused).state).toBe('unknown');
});

test('user namespaces', () => {
  const judge = (changes: Parameters<typeof factsWith>[0], isRoot = false) =>
    userNamespaces.judge(factsWith(changes, { isRoot }), 'lab');
  expect(judge({}).state).toBe('ok');
  expect(judge({ apparmorUserns: '1\n' })).toEqual({
    state: 'warning',
    saw: 'kernel.apparmor_restrict_unprivileged_userns is 1',
    fix: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  });
  expect(judge({ unprivilegedUserns: '0', maxUserns: '0' })).toEqual({
    state: 'warning',
    saw: 'kernel.unprivileged_userns_clone is 0, user.max_user_namespaces is 0',
    fix: 'sudo sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000',
  });
  expect(judge({ apparmorUserns: '1' }, true).state).toBe('ok');
  expect(judge({ maxUserns: refused }).state).toBe('unknown');
});

test('limits', () => {
  const judge = (changes: Parameters<typeof factsWith>[0]) => limits.judge(factsWith(changes), 'lab');
  expect(judge({})).toEqual({ state: 'ok', saw: '1024 inotify instances, 524288 watches, 20000 open files' });
  expect(judge({ inotifyInstances: '100' })).toMatchObject({
    state: 'warning',
    fix: expect.stringContaining('max_user_instances'),
  });
  expect(judge({ inotifyInstances: '4' }).state).toBe('blocks');
  expect(judge({ inotifyWatches: '4096' })).toMatchObject({
    state: 'warning',
    fix: expect.stringContaining('max_user_watches'),
  });
  expect(judge({ limits: 'Max open files  128  1024 files' })).toMatchObject({
    state: 'blocks',
    fix: 'ulimit -n 65536',
  });
  expect(judge({ limits: 'Max open files  unlimited  unlimited files' }).state).toBe('ok');
  expect(judge({ limits: 'nonsense' }).state).toBe('unknown');
  expect(judge({ inotifyInstances: refused }).state).toBe('unknown');
});
