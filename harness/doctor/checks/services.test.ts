// Checks of NetworkManager, SELinux and docker's pools, on what they say and do not say.
import { expect, test } from 'vitest';
import { factsWith, inEtcd, refused } from '../facts.fixture.ts';
import type { Answer } from '../facts.ts';
import { addressPools, networkManager, selinux } from './services.ts';

test('selinux', () => {
  const judge = (value: string | Answer | null) => selinux.judge(factsWith({ selinux: value }), 'host');
  expect(judge(null).state).toBe('ok');
  expect(judge('0').state).toBe('ok');
  expect(judge('1')).toEqual({ state: 'warning', saw: 'enforcing', fix: 'restorecon -RFv /usr/local /opt' });
  expect(judge(refused)).toMatchObject({ state: 'unknown', fix: 'getenforce' });
});

test('NetworkManager leaves the devices alone, or not', () => {
  const judge = (config: string | Answer | null, running: string | Answer = 'running\n') =>
    networkManager.judge(factsWith({ networkManager: running, networkManagerConfig: config }), 'host');
  const keyfile = (spec: string) => `[main]\nplugins=keyfile\n\n[keyfile]\nunmanaged-devices=${spec}\n`;
  expect(judge(keyfile('interface-name:flannel*;interface-name:docker0')).state).toBe('ok');
  expect(
    judge(keyfile('interface-name:flannel.1,interface-name:flannel0,interface-name:docker?')).state,
  ).toBe('ok');
  expect(judge(keyfile('*')).state).toBe('ok');
  expect(
    judge('[device-flannel]\nmatch-device=interface-name:flannel*;interface-name:docker*\nmanaged=0\n').state,
  ).toBe('ok');
  expect(judge(keyfile('*,except:interface-name:docker0')).saw).toBe('manages docker0');
  const bad = judge(keyfile('interface-name:veth*;type:wifi'));
  expect(bad).toMatchObject({ state: 'warning', saw: 'manages flannel.1, flannel0, docker0' });
  expect(bad.fix).toContain('unmanaged-devices+=interface-name:flannel*;interface-name:docker0');
  expect(judge('[main]\n').state).toBe('warning');
  expect(judge(null).state).toBe('unknown');
  expect(judge(refused).state).toBe('unknown');
  expect(judge('', { state: 'absent' }).state).toBe('ok');
  expect(judge('', { state: 'unreadable', why: 'Error: NetworkManager is not running.' }).state).toBe('ok');
  expect(judge('', { state: 'unreadable', why: 'it took longer than 900 ms' }).state).toBe('unknown');
});

test('address pools and routes that overlap the flannel network', () => {
  const judge = (network: string | undefined, changes: Parameters<typeof factsWith>[0] = {}) =>
    addressPools.judge(factsWith(changes, network === undefined ? {} : inEtcd({ Network: network })), 'host');
  const pools = (...bases: readonly string[]) =>
    JSON.stringify({ 'default-address-pools': bases.map(base => ({ base, size: 24 })) });
  expect(judge('10.5.0.0/16').state).toBe('ok');
  // The network of the first manual is docker0's own, which flannel replaces.
  expect(judge('172.17.0.0/16').state).toBe('ok');
  expect(judge('172.16.0.0/12')).toMatchObject({
    state: 'warning',
    fix: expect.stringContaining('10.201.0.0/16'),
  });
  expect(judge('10.5.0.0/16', { dockerConfig: pools('10.0.0.0/8') })).toMatchObject({
    state: 'warning',
    saw: "docker makes networks in 10.0.0.0/8, and 10.5.0.0/16 is flannel's",
    fix: expect.stringContaining('jq'),
  });
  expect(judge('172.20.0.0/16', { dockerConfig: pools('10.6.0.0/16') }).state).toBe('ok');
  expect(judge('10.5.0.0/16', { dockerConfig: '{}' }).state).toBe('ok');
  expect(judge('10.5.0.0/16', { dockerConfig: '{' }).state).toBe('unknown');
  expect(judge('10.5.0.0/16', { dockerConfig: refused }).state).toBe('unknown');
  expect(judge(undefined).state).toBe('unknown');
  expect(judge(undefined, { subnetEnv: 'FLANNEL_NETWORK=10.5.0.0/16\n' }).state).toBe('ok');
  const routes = (...list: readonly object[]) => ({ routes: JSON.stringify(list) });
  const own = [
    { dst: '10.5.3.0/24', dev: 'docker0' },
    { dst: '10.5.4.0/24', dev: 'flannel.1', gateway: '10.5.4.0' },
    { dst: '10.5.5.0/24', dev: 'eth0', gateway: '192.0.2.5' },
  ];
  expect(judge('10.5.0.0/16', routes(...own)).state).toBe('ok');
  const bridge = { dst: '10.5.7.0/24', dev: 'br-0123456789ab' };
  expect(judge('10.5.0.0/16', routes(...own, bridge))).toEqual({
    state: 'blocks',
    saw: '10.5.0.0/16 overlaps the route to 10.5.7.0/24 on br-0123456789ab',
    fix: 'docker network rm 0123456789ab',
  });
  const uplink = [
    { dst: '10.0.0.0/9', dev: 'eth0' },
    { dst: '10.201.4.0/24', dev: 'eth1' },
  ];
  expect(judge('10.5.0.0/16', routes(...own, ...uplink)).fix).toMatch(
    /^etcdctl put .*\{"Network":"172.30.0.0\/16"\}'/,
  );
  expect(judge('10.5.0.0/16', { routes: 'nonsense' }).state).toBe('ok');
  expect(judge('10.5.0.0/16', { routes: refused }).state).toBe('unknown');
});
