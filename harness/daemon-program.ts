// Turns a daemon reference (`ts`, `release`, `release:<path>`, `bin:<path>`) into files on this machine.
import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { access, glob, readFile, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearest, UsageError } from '../lib/errors.ts';
import { stateDir } from '../lib/places.ts';
import { localRunner } from '../lib/run.ts';
import type { DaemonProgram } from './drivers/driver.ts';
import { once, sourceHash } from './made.ts';

/** Else this is the package as others depend on it, which is JavaScript and has only what was built. */
const isSourceTree = !import.meta.url.endsWith('.js');
const packageRoot = packageFolder(fileURLToPath(import.meta.url));

const resolved = new Map<string, Promise<DaemonProgram>>();

/** Resolves a reference; the work is done once in this process, however many nodes use it. */
export function resolveDaemon(ref: string): Promise<DaemonProgram> {
  const program = resolved.get(ref) ?? resolveOnce(ref);
  resolved.set(ref, program);
  return program;
}

async function resolveOnce(ref: string): Promise<DaemonProgram> {
  if (ref === 'ts') return thisTree();
  if (ref === 'release') return released(ref, await ownRelease());
  if (ref.startsWith('release:')) return released(ref, resolve(ref.slice('release:'.length)));
  if (ref.startsWith('bin:')) return binary(ref, resolve(ref.slice('bin:'.length)));
  const guess = nearest(ref.split(':')[0] ?? ref, ['ts', 'release', 'bin']);
  throw new UsageError(`unknown daemon ${JSON.stringify(ref)}${guess ? `, did you mean ${guess}?` : ''}`, {
    hint:
      '--daemon ts, --daemon release:/path/to/flannel.tar.gz, --daemon bin:/path/to/flanneld or, for one node, ' +
      '--daemon node2=bin:/path/to/flanneld',
  });
}

async function binary(ref: string, path: string): Promise<DaemonProgram> {
  try {
    await access(path, constants.X_OK);
  } catch (cause) {
    throw new UsageError(`${ref}: ${path} is not an executable file`, { hint: `ls -l ${path}`, cause });
  }
  const { mkDockerOpts } = await resolveDaemon('ts');
  return { ref, flanneld: await realpath(path), mkDockerOpts, beside: [] };
}

/** The tarball of a release of this source tree, made once for each state of the sources. */
async function ownRelease(): Promise<string> {
  if (isSourceTree) {
    const folder = await makeOnce('release', releaseSources, 'ci/release/main.ts', '--into');
    const [tarball] = await Array.fromAsync(glob(join(folder, '*.tar.gz')));
    if (tarball) return tarball;
  }
  throw new UsageError('--daemon release: there is no source tree to make a release of', {
    hint: '--daemon release:/path/to/flannel.tar.gz',
  });
}

/** What a release has in its tarball. */
async function released(ref: string, tarball: string): Promise<DaemonProgram> {
  const folder = await unpack(ref, tarball);
  const file = (name: string) => join(folder, name);
  return { ref, flanneld: file('flanneld'), mkDockerOpts: file('mk-docker-opts.sh'), beside: [], tarball };
}

/** Unpacks a release once for each content of its file. */
async function unpack(ref: string, file: string): Promise<string> {
  const content = await readFile(file).catch(cause => {
    throw new UsageError(`${ref}: ${file} cannot be read`, {
      hint: 'npm run release   # makes one in dist/',
      cause,
    });
  });
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 16);
  return once(join(stateDir(), 'releases', digest), async folder => {
    await localRunner.run(['tar', '-xzf', file, '-C', folder]);
  });
}

/** Bundles the daemon of this source tree, once for each state of the sources. */
async function thisTree(): Promise<DaemonProgram> {
  const folder = isSourceTree
    ? await makeOnce('daemon', daemonSources, 'ci/build.ts', '--daemon')
    : join(packageRoot, 'dist/daemon');
  const beside = await Array.fromAsync(
    glob(join(folder, '{main.js,main.js.cache,udp-worker.js,*.node,*.json}')),
  );
  return {
    ref: 'ts',
    flanneld: join(folder, 'flanneld.js'),
    mkDockerOpts: join(folder, 'mk-docker-opts.sh'),
    beside,
  };
}

const daemonSources = [
  'daemon/**/*.{ts,sh}',
  'lib/*.ts',
  'ci/{build*,compiled-code,etcd-services}.ts',
  'ci/rehearsal/*',
  'package-lock.json',
];
const releaseSources = [...daemonSources, 'ci/release/*.ts', 'packaging/**/*.{md,conf,service}'];

/** A folder that this program of ours makes of these sources. */
async function makeOnce(
  kind: string,
  sources: readonly string[],
  program: string,
  flag: string,
): Promise<string> {
  const folder = join(stateDir(), kind, await sourceHash(packageRoot, sources));
  return once(folder, async path => {
    await localRunner.run([process.execPath, join(packageRoot, program), flag, path]);
  });
}

function packageFolder(start: string): string {
  let folder = resolve(start, '..');
  while (!existsSync(join(folder, 'package.json'))) folder = resolve(folder, '..');
  return folder;
}
