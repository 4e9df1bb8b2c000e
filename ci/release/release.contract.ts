// A release as it is handed out: the same bytes each time, and a program that needs no Node.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, glob, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Arch } from './parts.ts';
import { makeTarball } from './tarball.ts';
import { makeTree, type Tree } from './tree.ts';

const run = promisify(execFile);
let root: string;
let trees: readonly Tree[];
const folders = () => [join(root, 'first'), join(root, 'second')] as const;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'flannel-lab-release-test-'));
  trees = await Promise.all(folders().map(folder => makeTree(process.arch as Arch, folder)));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** The digest of each file, by its path. */
async function digests(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = await Array.fromAsync(glob('**/*', { cwd: folder, withFileTypes: true }));
  const paths = files.filter(file => file.isFile()).map(file => join(file.parentPath, file.name));
  const pairs = paths.sort().map(async path => {
    const digest = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    return [path.slice(folder.length + 1), digest] as const;
  });
  return new Map(await Promise.all(pairs));
}

test('two builds are the same, byte for byte, and so are their bills of materials', async () => {
  const [first, second] = await Promise.all(folders().map(digests));
  expect(second).toEqual(first);
  expect([...(first?.keys() ?? [])]).toEqual([
    'LICENSE',
    'README.md',
    'THIRD-PARTY-LICENSES.txt',
    'flanneld',
    'mk-docker-opts.sh',
    'systemd/docker.service.d/flannel.conf',
    'systemd/flanneld.conf',
    'systemd/flanneld.service',
  ]);
  expect(trees[1]?.bill).toBe(trees[0]?.bill);
});

test('the bill names what is in the executable, and nothing it is only built or tested with', () => {
  const { components } = JSON.parse(trees[0]?.bill ?? '') as { components: { name: string }[] };
  const names = components.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['etcd3', '@grpc/grpc-js', 'koffi', 'zod', `node-linux-${process.arch}`]),
  );
  for (const absent of ['vitest', 'esbuild', 'testcontainers', 'dockerode', 'execa'])
    expect(names).not.toContain(absent);
});

test('-version tells version and commit where there is nothing but the system’s libraries', async () => {
  const program = join(folders()[0], 'flanneld');
  const bare = join(root, 'bare');
  const { stdout: needed } = await run('ldd', [program]);
  for (const [library] of needed.matchAll(/\/\S+/g)) {
    await mkdir(join(bare, dirname(library)), { recursive: true });
    await cp(library, join(bare, library), { dereference: true });
  }
  await cp(program, join(bare, 'flanneld'));
  const rights = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const env = { PATH: process.env.PATH ?? '' };
  const { stdout } = await run('unshare', [...rights, `--root=${bare}`, '/flanneld', '-version'], { env });
  const { version, commit } = trees[0]?.source ?? {};
  expect(stdout).toBe(`flanneld ${version} (commit ${commit})\n`);
});

test('options of Node in the environment are none of ours', async () => {
  const program = join(folders()[0], 'flanneld');
  const env = { NODE_OPTIONS: '--no-such-option' };
  expect((await run(program, ['-version'], { env })).stderr).toBe('');
});

test('a tarball is the same whenever it is made', async () => {
  const folder = join(root, 'small');
  await mkdir(join(folder, 'b'), { recursive: true });
  for (const name of ['z', 'a', 'b/c']) await writeFile(join(folder, name), name);
  const made = async (name: string) => {
    await makeTarball(folder, 1_700_000_000, join(root, name));
    return readFile(join(root, name));
  };
  const first = await made('first.tar.gz');
  await utimes(join(folder, 'a'), new Date(), new Date());
  await rm(join(folder, 'z'));
  await writeFile(join(folder, 'z'), 'z', { mode: 0o600 });
  expect(await made('second.tar.gz')).toEqual(first);
  const { stdout } = await run('tar', ['-tvzf', join(root, 'first.tar.gz')], {
    env: { ...process.env, TZ: 'UTC' },
  });
  expect(
    stdout
      .trim()
      .split('\n')
      .map(line => line.replaceAll(/ +/g, ' ')),
  ).toEqual([
    '-rw-r--r-- root/root 1 2023-11-14 22:13 a',
    'drwxr-xr-x root/root 0 2023-11-14 22:13 b/',
    '-rw-r--r-- root/root 3 2023-11-14 22:13 b/c',
    '-rw-r--r-- root/root 1 2023-11-14 22:13 z',
  ]);
});
