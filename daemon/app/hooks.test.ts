// The commands of the extension backend in the life of a daemon: when they are run, with what, and what if they fail.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { until } from '../../lib/wait.ts';
import { MemoryRegistry } from '../store/memory-registry.ts';
import { hostKernel, startNode } from './node.fixture.ts';

let folder: string;
let journal: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flannel-lab-hooks-'));
  journal = join(folder, 'journal');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A command that writes a line: its name, the variables and what it read. */
const note = (name: string) =>
  `read -r data; echo "${name} $NETWORK|$IPV6NETWORK|$SUBNET|$PUBLIC_IP|$IPV6SUBNET|$PUBLIC_IPV6|$data" >>${journal}`;
const all = () => ({
  PreStartupCommand: `${note('pre')}; echo "  published "`,
  PostStartupCommand: note('post'),
  SubnetAddCommand: note('add'),
  SubnetRemoveCommand: note('remove'),
  ShutdownCommand: note('shutdown'),
});

function registryWith(commands: object, network: object = {}): MemoryRegistry {
  const registry = new MemoryRegistry();
  const Backend = { Type: 'extension', ...commands };
  registry.putConfig(JSON.stringify({ Network: '10.5.0.0/16', SubnetMax: '10.5.50.0', ...network, Backend }));
  return registry;
}

const peer = (ip: string, data?: unknown, type = 'extension') =>
  JSON.stringify({ PublicIP: ip, PublicIPv6: null, BackendType: type, BackendData: data });
const lines = async () => (await readFile(journal, 'utf8').catch(() => '')).split('\n').slice(0, -1);
const written = (...expected: string[]) =>
  until(async () => ((await lines()).join('\n') === expected.join('\n') ? true : undefined), {
    what: 'the commands',
    timeout: 4000,
    interval: 10,
  }).catch(async () => expect(await lines()).toEqual(expected));

describe('the commands are run', () => {
  test('before the lease, with it, for peers that come, change and go, and at the end', async () => {
    const registry = registryWith(all());
    registry.put('10.5.77.0-24', peer('192.168.7.7', 'seven'));
    const node = await startNode({ registry, n: 1 });
    await node.ready();
    const own = /SUBNET=10\.5\.(\d+)\.1/.exec(await node.subnetEnv())?.[1];
    const mine = `10.5.0.0/16||10.5.${own}.0/24|192.168.7.1|||`;
    const story = ['pre ||||||', `post ${mine}`, 'add ||10.5.77.0/24|192.168.7.7|||seven'];
    await written(...story);
    expect(registry.row(`10.5.${own}.0-24`)?.value).toBe(
      '{"PublicIP":"192.168.7.1","PublicIPv6":null,"BackendType":"extension","BackendData":"published"}',
    );
    expect(await node.subnetEnv()).toContain('FLANNEL_MTU=1500\n');

    registry.put('10.5.88.0-24', peer('192.168.7.8'));
    await written(...story, 'add ||10.5.88.0/24|192.168.7.8|||');
    registry.put('10.5.77.0-24', peer('192.168.7.7', 'seven'));
    registry.put('10.5.77.0-24', peer('192.168.7.70', 'seven'));
    registry.delete('10.5.88.0-24');
    story.push('add ||10.5.88.0/24|192.168.7.8|||');
    const changed = ['remove ||10.5.77.0/24|192.168.7.7|||seven', 'add ||10.5.77.0/24|192.168.7.70|||seven'];
    const gone = 'remove ||10.5.88.0/24|192.168.7.8|||';
    await until(async () => ((await lines()).length === story.length + 3 ? true : undefined), {
      what: 'three more commands',
      timeout: 4000,
    });
    expect((await lines()).slice(story.length).filter(line => line !== gone)).toEqual(changed);
    expect(await lines()).toContain(gone);

    const before = await lines();
    await node.stop();
    expect(await lines()).toEqual([...before, `shutdown ${mine}`]);
    await node[Symbol.asyncDispose]();
  });

  test('with the variables of both families, for each node once', async () => {
    const network = { EnableIPv6: true, IPv6Network: 'fd00:5::/48' };
    const registry = registryWith(
      { PostStartupCommand: note('post'), SubnetAddCommand: note('add') },
      network,
    );
    const value = {
      PublicIP: '192.168.7.7',
      PublicIPv6: 'fd00:7::7',
      BackendType: 'extension',
      BackendData: 'x',
    };
    registry.put('10.5.77.0-24&fd00:5:0:77::-64', JSON.stringify(value));
    const kernel = hostKernel(1);
    kernel.set({ kind: 'address', dev: 'eth0', address: 'fd00:7::1/64' });
    await using node = await startNode({ registry, n: 1, kernel });
    await node.ready();
    await until(async () => ((await lines()).length === 2 ? true : undefined), {
      what: 'both',
      timeout: 4000,
    });
    expect(await lines()).toEqual([
      expect.stringMatching(
        /^post 10\.5\.0\.0\/16\|fd00:5::\/48\|10\.5\.\d+\.0\/24\|192\.168\.7\.1\|fd00:5:0:[0-9a-f]+::\/64\|fd00:7::1\|$/,
      ),
      'add ||10.5.77.0/24|192.168.7.7|fd00:5:0:77::/64|fd00:7::7|x',
    ]);
    expect(registry.text()).not.toContain('"BackendData":""');
  });

  test('again for all peers after a restart, and not for peers of another type', async () => {
    const registry = registryWith({ SubnetAddCommand: note('add') });
    registry.put('10.5.70.0-24', peer('192.168.7.3', undefined, 'vxlan'));
    registry.put('10.5.71.0-24', peer('192.168.7.4', { no: 'text' }));
    registry.put('10.5.77.0-24', peer('192.168.7.7', null));
    const one = 'add ||10.5.77.0/24|192.168.7.7|||';
    await using node = await startNode({ registry, n: 1, folder });
    await node.ready();
    await written(one);
    await node.stop();
    await using again = await startNode({ registry, n: 1, folder });
    await again.ready();
    await written(one, one);
    expect(again.log.join('\n')).toContain('its BackendData is not a JSON string');
  });
});

describe('peers that leave or change while the daemon is down', () => {
  const seven = 'add ||10.5.77.0/24|192.168.7.7|||';
  async function restart(commands: object) {
    const registry = registryWith(commands);
    registry.put('10.5.77.0-24', peer('192.168.7.7'));
    await using node = await startNode({ registry, n: 1, folder });
    await node.ready();
    await written(seven);
    await node.stop();
    registry.delete('10.5.77.0-24');
    registry.put('10.5.88.0-24', peer('192.168.7.8'));
    return startNode({ registry, n: 1, folder });
  }

  test('are removed when it starts again', async () => {
    await using node = await restart({ SubnetAddCommand: note('add'), SubnetRemoveCommand: note('remove') });
    await node.ready();
    const eight = 'add ||10.5.88.0/24|192.168.7.8|||';
    await written(seven, 'remove ||10.5.77.0/24|192.168.7.7|||', eight);
    await node.stop();
    expect(JSON.parse(await readFile(`${node.subnetFile}.peers`, 'utf8')).targets).toHaveLength(1);
  });

  test('are not when the last command has taken the network down', async () => {
    const commands = {
      SubnetAddCommand: note('add'),
      SubnetRemoveCommand: note('remove'),
      ShutdownCommand: 'true',
    };
    await using node = await restart(commands);
    await node.ready();
    await written(seven, 'add ||10.5.88.0/24|192.168.7.8|||');
  });
});

describe('a command that fails', () => {
  test('before the lease is the end, with nothing leased', async () => {
    const registry = registryWith({ ...all(), PreStartupCommand: 'echo no luck >&2; exit 3' });
    await using node = await startNode({ registry, n: 1 });
    expect(await node.ended()).toMatchObject({ message: 'PreStartupCommand ended with 3: no luck' });
    expect(registry.rows()).toEqual([]);
    expect(await lines()).toEqual([]);
  });

  test('after the lease is the end, before anybody uses the subnet', async () => {
    const registry = registryWith({ ...all(), PostStartupCommand: 'exit 1' });
    await using node = await startNode({ registry, n: 1 });
    expect(await node.ended()).toMatchObject({ message: 'PostStartupCommand ended with 1' });
    await expect(node.subnetEnv()).rejects.toThrow(/ENOENT/);
    expect((await lines()).map(line => line.split(' ')[0])).toEqual(['pre', 'shutdown']);
    expect(node.happened.some(({ kind }) => kind === 'ready')).toBe(false);
  });

  test('for a peer is said once, tried again, and stops no other', async () => {
    const fails = `[ "$SUBNET" != 10.5.66.0/24 ] || [ -e ${folder}/mended ] || { echo secret-free; exit 4; }; ${note('add')}`;
    const registry = registryWith({ SubnetAddCommand: fails });
    registry.put('10.5.66.0-24', peer('192.168.7.6'));
    registry.put('10.5.77.0-24', peer('192.168.7.7'));
    await using node = await startNode({ registry, n: 1 });
    await node.ready();
    await written('add ||10.5.77.0/24|192.168.7.7|||');
    await node.said(
      'SubnetAddCommand failed, trying on subnet=10.5.66.0/24 reason="ended with 4: secret-free"',
    );
    await until(
      async () =>
        node.log.filter(line => line.includes('SubnetAddCommand failed')).length > 1 ? true : undefined,
      { what: 'a second attempt', timeout: 4000 },
    );
    expect(node.log.filter(line => line.includes('error SubnetAddCommand failed'))).toHaveLength(1);
    await writeFile(join(folder, 'mended'), '');
    await node.said('info  SubnetAddCommand done subnet=10.5.66.0/24');
  });

  test('at the end is logged', async () => {
    const node = await startNode({ registry: registryWith({ ShutdownCommand: 'exit 9' }), n: 1 });
    await node.ready();
    await node.stop();
    expect(node.log.at(-1)).toContain('ShutdownCommand ended with 9');
    await node[Symbol.asyncDispose]();
  });
});

test('nothing of the commands’ text or of the environment gets into the log', async () => {
  process.env.HOOK_SECRET = 'hunter2';
  const secret = 'true hunter3; exit 1';
  const commands = { PreStartupCommand: 'true hunter3', SubnetAddCommand: secret, ShutdownCommand: secret };
  const registry = registryWith(commands);
  registry.put('10.5.66.0-24', peer('192.168.7.6'));
  const node = await startNode({ registry, n: 1 });
  await node.said('SubnetAddCommand failed');
  await node.stop();
  expect(node.log.join('\n')).not.toMatch(/hunter/);
  await node[Symbol.asyncDispose]();
});

test('a daemon that is stopped does not wait for the command of a peer', async () => {
  const registry = registryWith({
    SubnetAddCommand: `echo on >>${journal}; sleep 987.3`,
    ShutdownCommand: note('bye'),
  });
  registry.put('10.5.66.0-24', peer('192.168.7.6'));
  const node = await startNode({ registry, n: 1 });
  await written('on');
  await node.stop();
  expect((await lines()).at(-1)).toMatch(/^bye/);
  await node[Symbol.asyncDispose]();
});

test('a last command that hangs is ended, and said to be, before the whole daemon would be', async () => {
  const command = `echo on >>${journal}; sleep 987.4`;
  const node = await startNode({ registry: registryWith({ ShutdownCommand: command }), n: 1 });
  await node.ready();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const stopped = node.stop();
  await written('on');
  vi.advanceTimersByTime(2500);
  await stopped;
  expect(node.log.at(-1)).toContain('ShutdownCommand took longer than 2.5 s');
  await node[Symbol.asyncDispose]();
});
