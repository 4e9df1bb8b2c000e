// mk-docker-opts as units call it: flags as getopts reads them, what is written byte for byte, and when it fails.
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localRunner } from '../lib/run.ts';

const program = fileURLToPath(new URL('mk-docker-opts.sh', import.meta.url));
const individual = `DOCKER_OPT_BIP="--bip=10.1.74.1/24"
DOCKER_OPT_IPMASQ="--ip-masq=true"
DOCKER_OPT_MTU="--mtu=1472"
`;
const combined = 'DOCKER_OPTS=" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n';
let folder: string;
let input: string;
let output: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flannel-lab-opts-'));
  [input, output] = [join(folder, 'subnet.env'), join(folder, 'docker opts.env')];
  await writeFile(
    input,
    'FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=false\n',
  );
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (args: readonly string[], env: Record<string, string> = {}) =>
  localRunner.run([program, ...args], { env, okCodes: [0, 1] });

/** What is written with these flags. */
async function written(args: readonly string[] = [], env: Record<string, string> = {}): Promise<string> {
  expect(await run(['-d', output, '-f', input, ...args], env)).toMatchObject({ code: 0 });
  return readFile(output, 'utf8');
}

/** What it says when it fails. */
async function complaint(args: readonly string[]): Promise<string> {
  const { code, stderr } = await run(args);
  expect(code).toBe(1);
  return stderr;
}

test('both kinds, one of them, another key', async () => {
  expect(await written()).toBe(individual + combined);
  expect(await written(['-i'])).toBe(individual);
  expect(await written(['-c'])).toBe(combined);
  expect(await written(['-ic'])).toBe(individual + combined);
  expect(await written(['-c', '-k', 'DOCKER_NETWORK_OPTIONS'])).toBe(
    combined.replace('DOCKER_OPTS', 'DOCKER_NETWORK_OPTIONS'),
  );
});

test('flags apart and together, and what comes after them is passed over', async () => {
  expect(await written(['-k', 'X', '-c', '-m', 'more', '-i'])).toBe('X=" --bip=10.1.74.1/24 --mtu=1472"\n');
  await run(['-cmkX', `-d${output}.2`, `-f${input}`, '--', '-i']);
  expect(await readFile(`${output}.2`, 'utf8')).toBe('X=" --bip=10.1.74.1/24 --mtu=1472"\n');
});

test('masquerading is docker’s business exactly when it is not flannel’s', async () => {
  await appendFile(input, 'FLANNEL_IPMASQ=true\n');
  expect(await written()).toContain('DOCKER_OPT_IPMASQ="--ip-masq=false"');
});

test('quotes, comments and export are understood, and nothing is evaluated', async () => {
  await writeFile(
    input,
    `export FLANNEL_SUBNET="10.1.74.1/24" # ours\r\nFLANNEL_MTU='$(id)'\nid=\`id\`\n# x\n`,
  );
  expect(await written(['-c'])).toBe('DOCKER_OPTS=" --bip=10.1.74.1/24 --mtu=$(id)"\n');
});

test('variables of the environment count where the file has none', async () => {
  const text = await written(['-i'], { DOCKER_OPT_FOO: '--foo', FLANNEL_MTU: '9' });
  expect(text).toBe(individual.replace('\nDOCKER_OPT_IPMASQ', '\nDOCKER_OPT_FOO="--foo"\nDOCKER_OPT_IPMASQ'));
  await run(['-i', '-d', output, '-f', join(folder, 'none')], { FLANNEL_SUBNET: '10.9.1.1/24' });
  expect(await readFile(output, 'utf8')).toBe('DOCKER_OPT_BIP="--bip=10.9.1.1/24"\n');
});

test('what is there already comes first, with two spaces behind it', async () => {
  expect(await written(['-c'], { DOCKER_OPTS: '--foo bar' })).toBe(combined.replace('" ', '"--foo bar  '));
});

test('what it wrote before is replaced, not added to', async () => {
  const [, value = ''] = /"(.*)"/.exec(combined) ?? [];
  expect(await written(['-c'], { DOCKER_OPTS: value })).toBe(combined);
  expect(await written(['-c'], { DOCKER_OPTS: `--foo  bar${value} --baz` })).toBe(
    combined.replace('" ', '"--foo  bar --baz  '),
  );
  await writeFile(input, 'FLANNEL_MTU=9\n');
  expect(await written(['-c'], { DOCKER_OPTS: '--mtu=8 --bip=10.1.74.1/24' })).toBe(
    'DOCKER_OPTS="--bip=10.1.74.1/24  --mtu=9"\n',
  );
});

test('with nothing set there is nothing to say', async () => {
  await writeFile(input, '');
  expect(await written(['-i'])).toBe('');
  expect(await written(['-c'])).toBe('DOCKER_OPTS=""\n');
});

test('it fails with a reason and writes nothing when a file cannot be read or written', async () => {
  expect(await complaint(['-d', output, '-f', join(folder, 'none')])).toMatch(
    /^mk-docker-opts: cannot read flannel's file; flanneld writes it once it has a subnet: .*none/,
  );
  expect(await complaint(['-d', folder, '-f', input])).toContain(`mk-docker-opts: cannot write ${folder}: `);
  expect(await complaint(['-d', `${input}/below`, '-f', input])).toContain('cannot write');
  expect(await complaint(['-d', '/dev/full', '-f', input])).toContain('cannot write /dev/full');
  for (const key of ['', 'a b', '9X', 'X=Y'])
    expect(await complaint(['-k', key, '-d', output, '-f', input])).toMatch(
      / is not the name of a variable$/m,
    );
  await writeFile(input, 'FLANNEL_IPMASQ=yes\n');
  expect(await complaint(['-d', output, '-f', input])).toMatch(/Invalid value of FLANNEL_IPMASQ: yes$/m);
  expect(await readdir(folder)).toEqual(['subnet.env']);
  expect(await written(['-m', '-c'])).toBe('DOCKER_OPTS=""\n');
});

test('folders are made, links followed, and what a killed run left is removed', async () => {
  const target = join(folder, 'a', 'b', 'real');
  await run(['-d', target, '-f', input]);
  expect((await stat(target)).mode & 0o777).toBe(0o644);
  await symlink(target, output);
  await writeFile(join(folder, 'a', 'b', '.real.AbC012'), 'half');
  await mkdir(join(folder, 'a', 'b', '.real.other'));
  expect(await written(['-i'])).toBe(individual);
  expect(await readFile(target, 'utf8')).toBe(individual);
  expect((await readdir(join(folder, 'a', 'b'))).sort()).toEqual(['.real.other', 'real']);
});

test('standard output is a file like any other', async () => {
  expect(await run(['-c', '-f', input, '-d', '/dev/stdout'])).toMatchObject({ stdout: combined });
});

test('IPv6 options come with -6 alone, for the network that an address is in', async () => {
  expect(await written(['-6'])).toBe(individual + combined);
  await appendFile(input, 'FLANNEL_IPV6_SUBNET=fd00:5:0:a::1/64\n');
  expect(await written()).toBe(individual + combined);
  expect(await written(['-6'])).toBe(`DOCKER_OPT_BIP="--bip=10.1.74.1/24"
DOCKER_OPT_FIXED_CIDR_V6="--fixed-cidr-v6=fd00:5:0:a::/64"
DOCKER_OPT_IPMASQ="--ip-masq=true"
DOCKER_OPT_IPV6="--ipv6"
DOCKER_OPT_MTU="--mtu=1472"
DOCKER_OPTS=" --bip=10.1.74.1/24 --fixed-cidr-v6=fd00:5:0:a::/64 --ip-masq=true --ipv6 --mtu=1472"
`);
});

test.each([
  ['::1/0', '::/0'],
  ['2001:DB8:0:0:1:0:0:1/128', '2001:db8::1:0:0:1/128'],
  ['1:0:2:3:4:5:6:7/127', '1:0:2:3:4:5:6:6/127'],
  ['fd00:5:0:abcf::1/60', 'fd00:5:0:abc0::/60'],
  ['1::/16', '1::/16'],
  ['1:2:3:4:5:6:7::/112', '1:2:3:4:5:6:7:0/112'],
])('the network of %s is %s', async (subnet, network) => {
  await writeFile(input, `FLANNEL_IPV6_SUBNET=${subnet}\n`);
  expect(await written(['-6i'])).toContain(`"--fixed-cidr-v6=${network}"`);
});

test.each(['1::2::3/64', '12345::/64', '::/129', '1:2:3/64', '::g/64', '::1', ':::/8'])(
  'without a network, as in %s, there are no IPv6 options',
  async subnet => {
    await writeFile(input, `FLANNEL_IPV6_SUBNET=${subnet}\n`);
    expect(await written(['-6i'])).toBe('');
  },
);

test.each([['-h'], ['-?'], ['-x'], ['-f']])('%s shows the usage', async flag =>
  expect(await complaint([flag])).toMatch(/^mk-docker-opts \[-f/),
);
