// mk-docker-opts as units call it: flags as getopts reads them, what is written, and when it fails.
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localRunner } from '../lib/run.ts';

const program = fileURLToPath(new URL('mk-docker-opts.ts', import.meta.url));
const combined = 'DOCKER_NETWORK_OPTIONS=" --bip=10.5.66.1/24 --ip-masq=true --mtu=1450"\n';
let folder: string;
let input: string;
let output: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flannel-lab-opts-'));
  [input, output] = [join(folder, 'subnet.env'), join(folder, 'docker opts.env')];
  await writeFile(
    input,
    'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.66.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n',
  );
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (args: readonly string[], env: Record<string, string> = {}) =>
  localRunner.run([process.execPath, program, ...args], { env, okCodes: [0, 1] });

test('flags apart and together, and what comes after them is passed over', async () => {
  await run(['-k', 'DOCKER_NETWORK_OPTIONS', '-c', '-d', output, '-f', input, 'more']);
  expect(await readFile(output, 'utf8')).toBe(combined);
  await run(['-cmkX', `-d${output}`, `-f${input}`]);
  expect(await readFile(output, 'utf8')).toBe('X=" --bip=10.5.66.1/24 --mtu=1450"\n');
});

test('variables of the environment count where the file has none', async () => {
  await run(['-i', '-d', output, '-f', input], { DOCKER_OPT_FOO: '--foo', FLANNEL_MTU: '9' });
  expect(await readFile(output, 'utf8')).toContain('DOCKER_OPT_FOO="--foo"\n');
  expect(await readFile(output, 'utf8')).toContain('--mtu=1450');
  await run(['-i', '-d', output, '-f', join(folder, 'none')], { FLANNEL_SUBNET: '10.9.1.1/24' });
  expect(await readFile(output, 'utf8')).toBe('DOCKER_OPT_BIP="--bip=10.9.1.1/24"\n');
});

test('it fails with a reason and writes nothing when a file cannot be read or written', async () => {
  expect(await run(['-d', output, '-f', join(folder, 'none')])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/none/),
  });
  expect(await run(['-d', folder, '-f', input])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`mk-docker-opts: cannot write ${folder}: `),
  });
  await writeFile(input, 'FLANNEL_IPMASQ=yes\n');
  expect(await run(['-d', output, '-f', input])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Invalid value of FLANNEL_IPMASQ/),
  });
  expect(await readdir(folder)).toEqual(['subnet.env']);
});

test('IPv6 options come with -6', async () => {
  await appendFile(input, 'FLANNEL_IPV6_SUBNET=fd00:5::1/64\n');
  await run(['-c6', '-d', output, '-f', input]);
  expect(await readFile(output, 'utf8')).toContain(
    ' --fixed-cidr-v6=fd00:5::/64 --ip-masq=true --ipv6 --mtu',
  );
});

test.each([['-h'], ['-?'], ['-x'], ['-f']])('%s shows the usage', async flag =>
  expect(await run([flag])).toMatchObject({ code: 1, stderr: expect.stringMatching(/^mk-docker-opts \[-f/) }),
);
