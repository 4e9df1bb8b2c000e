// A node with the wireguard backend: its key file, what it publishes, and how it follows peers and their keys.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../lib/log.ts';
import { until } from '../../lib/wait.ts';
import type { FakeKernel } from '../kernel/fake.ts';
import { keyPairOf, newPrivateKey } from '../model/wireguard-key.ts';
import { MemoryRegistry } from '../store/memory-registry.ts';
import { keyFile, loadKeys } from './key-file.ts';
import { hostKernel, type NodeFixture, startNode } from './node.fixture.ts';

const newKey = () => keyPairOf(newPrivateKey())?.publicKey ?? expect.unreachable();
const lease = (n: number, key: string, Port = 51_820) =>
  JSON.stringify({
    PublicIP: `192.168.7.${n}`,
    PublicIPv6: null,
    BackendType: 'wireguard',
    BackendData: { PublicKey: key, Port },
  });
function registryWith(Backend: object): MemoryRegistry {
  const registry = new MemoryRegistry();
  registry.putConfig(JSON.stringify({ Network: '10.5.0.0/16', SubnetMax: '10.5.50.0', Backend }));
  return registry;
}
const holds = (what: string, condition: () => boolean) =>
  until(async () => (condition() ? true : undefined), { what, timeout: 4000, interval: 10 });
const peers = (kernel: FakeKernel) => kernel.text(({ kind }) => kind === 'wireguard-peer');
const folderOf = (node: NodeFixture) => dirname(node.subnetFile);

test('publishes its key and port, and has a peer for each lease, as they come, change and go', async () => {
  const registry = registryWith({ Type: 'wireguard', PersistentKeepaliveInterval: 25 });
  const [two, later] = [newKey(), newKey()];
  registry.put('10.5.77.0-24', lease(2, two), 86_400);
  await using node = await startNode({ registry, n: 1 });
  await node.ready();
  const own = keyPairOf(readFileSync(join(folderOf(node), 'wgkey'), 'utf8'))?.publicKey;
  const row = registry.rows().find(([, { value }]) => value.includes('192.168.7.1"'))?.[1];
  expect(row?.value).toBe(lease(1, own ?? ''));
  expect(await node.subnetEnv()).toContain('FLANNEL_MTU=1420\n');
  expect(node.kernel.text()).toContain(`wireguard key ${own} port 51820 dev flannel-wg\n`);
  expect(node.kernel.text()).toContain('route 10.5.0.0/16 dev flannel-wg\n');
  const at = (key: string, endpoint: string) =>
    `wireguard-peer ${key} at ${endpoint} for 10.5.77.0/24 keepalive 25 dev flannel-wg\n`;
  expect(peers(node.kernel)).toBe(at(two, '192.168.7.2:51820'));

  registry.put('10.5.77.0-24', lease(2, two, 51_999), 86_400);
  await holds('another port', () => peers(node.kernel) === at(two, '192.168.7.2:51999'));
  registry.put('10.5.77.0-24', lease(2, later), 86_400);
  await holds('another key alone', () => peers(node.kernel) === at(later, '192.168.7.2:51820'));
  registry.delete('10.5.77.0-24');
  await holds('no peer', () => peers(node.kernel) === '');
});

test('a restart keeps device, key and peers; those that left or changed meanwhile do not stay', async () => {
  const registry = registryWith({ Type: 'wireguard' });
  const [two, three, later] = [newKey(), newKey(), newKey()];
  registry.put('10.5.72.0-24', lease(2, two), 86_400);
  registry.put('10.5.73.0-24', lease(3, three), 86_400);
  const kernel = hostKernel(1);
  await using first = await startNode({ registry, n: 1, kernel });
  await first.ready();
  await first.stop();
  registry.delete('10.5.72.0-24');
  registry.put('10.5.73.0-24', lease(3, later), 86_400);
  const before = kernel.done.length;
  await using second = await startNode({ registry, n: 1, kernel, folder: folderOf(first) });
  await second.ready();
  expect(peers(kernel)).toContain(`wireguard-peer ${later} at 192.168.7.3:51820`);
  expect(peers(kernel)).not.toMatch(`${two}|${three}`);
  expect(kernel.done.slice(before).filter(({ entry }) => entry.kind === 'link')).toEqual([]);
});

test('without a device that works there is no lease, and it is said how to get one', async () => {
  for (const [kind, reason, hint] of [
    [
      'link',
      'this kernel has no wireguard, and wireguard-go is not installed',
      /apt-get install wireguard-go/,
    ],
    ['wireguard', 'wg addconf flannel-wg: wg is not installed', /wireguard-tools/],
    ['wireguard', 'wg addconf flannel-wg: Address already in use', /UDP port 51820.*ListenPort/],
  ] as const) {
    const registry = registryWith({ Type: 'wireguard' });
    const kernel = hostKernel(1);
    kernel.refuse = ({ entry }) => (entry.kind === kind ? reason : undefined);
    await using node = await startNode({ registry, n: 1, kernel });
    expect(await node.ended()).toMatchObject({
      message: `cannot set up flannel-wg: ${reason}`,
      hint: expect.stringMatching(hint),
    });
    expect(registry.rows()).toEqual([]);
  }
});

describe('secrets', () => {
  test('neither the private key nor the shared one is in the log, nor told to anybody', async () => {
    const PSK = newPrivateKey();
    const registry = registryWith({ Type: 'wireguard', PSK });
    registry.put('10.5.77.0-24', lease(2, newKey()), 86_400);
    await using node = await startNode({ registry, n: 1, flags: ['-v=1'] });
    await node.ready();
    const secret = readFileSync(join(folderOf(node), 'wgkey'), 'utf8');
    const said = `${node.log.join('\n')}${JSON.stringify(node.happened)}${node.kernel.text()}`;
    expect(said).toContain('put wireguard-peer');
    for (const one of [PSK, secret])
      expect(said + registry.rows().map(([, { value }]) => value)).not.toContain(one);
  });

  test.each([
    [
      'that is none',
      (psk: string) => `{"Network":"10.5.0.0/16","Backend":{"Type":"wireguard","PSK":"${psk}x"}}`,
    ],
    ['in text that is no JSON', (psk: string) => `{"Network":"10.5.0.0/16","Backend":{"PSK":"${psk}"`],
    ['without quotes', (psk: string) => `{"Network":"10.5.0.0/16","Backend":{"PSK":${psk}}}`],
    ['where there is no object', (psk: string) => `{"Network":"10.5.0.0/16","Backend":"{PSK: ${psk}}"}`],
  ])('a shared key %s is not quoted', async (_name, text) => {
    const psk = newPrivateKey();
    const registry = new MemoryRegistry();
    registry.putConfig(text(psk));
    await using node = await startNode({ registry, n: 1 });
    await node.said('the network configuration cannot be used');
    expect(node.log.join()).not.toContain(psk.slice(0, 8));
  });
});

describe('the key file', () => {
  function inFolder(body: (path: string, log: string[], load: () => ReturnType<typeof loadKeys>) => void) {
    const folder = mkdtempSync(join(tmpdir(), 'flannel-lab-key-'));
    const path = join(folder, 'run', 'wgkey');
    const log: string[] = [];
    const logger = createLogger({ write: line => void log.push(line), level: 'debug' });
    try {
      body(path, log, () => loadKeys(path, logger));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test('is made once, for nobody else to read', () =>
    inFolder((path, _log, load) => {
      const { publicKey } = load();
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readFileSync(path, 'utf8')).toHaveLength(44);
      expect(load().publicKey).toBe(publicKey);
    }));

  test('may end with a newline; one that others can read is warned of', () =>
    inFolder((path, log, load) => {
      const { publicKey } = load();
      writeFileSync(path, `${readFileSync(path, 'utf8')}\n`);
      chmodSync(path, 0o644);
      expect(load().publicKey).toBe(publicKey);
      expect(log.join()).toContain(`chmod 600 ${path}`);
    }));

  test('that holds no key is named, and neither shown nor replaced', () =>
    inFolder((path, _log, load) => {
      load();
      writeFileSync(path, 'AlmostAKey');
      expect(load).toThrow(`the key file ${path} holds no wireguard key`);
      expect(load).not.toThrow('AlmostAKey');
      expect(existsSync(path)).toBe(true);
    }));

  test('that cannot be made or read is named', () =>
    inFolder((path, _log, load) => {
      load();
      rmSync(path);
      rmSync(dirname(path), { recursive: true });
      writeFileSync(dirname(path), '');
      expect(load).toThrow(/cannot (read|write) the key file/);
    }));

  test('is upstream’s, or what the environment names', () => {
    expect(keyFile({})).toBe('/run/flannel/wgkey');
    expect(keyFile({ WIREGUARD_KEY_FILE: '/etc/wg/key' })).toBe('/etc/wg/key');
  });
});
