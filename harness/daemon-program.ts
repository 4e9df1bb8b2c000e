// Turns a daemon reference (`ts`, `bin:<path>`) into files on this machine.
import { createHash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { access, glob, readFile, realpath, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearest, UsageError } from '../lib/errors.ts';
import { stateDir } from '../lib/places.ts';
import { localRunner } from '../lib/run.ts';
import type { DaemonProgram } from './drivers/driver.ts';

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
  if (ref.startsWith('bin:')) return binary(ref, resolve(ref.slice('bin:'.length)));
  const guess = nearest(ref.split(':')[0] ?? ref, ['ts', 'bin']);
  throw new UsageError(`unknown daemon ${JSON.stringify(ref)}${guess ? `, did you mean ${guess}?` : ''}`, {
    hint: '--daemon ts, --daemon bin:/path/to/flanneld or, for one node, --daemon node2=bin:/path/to/flanneld',
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

/** Bundles the daemon of this source tree, once for each state of the sources. */
async function thisTree(): Promise<DaemonProgram> {
  const folder = import.meta.url.endsWith('.js') ? join(packageRoot, 'dist/daemon') : await bundle();
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

async function bundle(): Promise<string> {
  const folder = join(stateDir(), 'daemon', await sourceHash());
  if (existsSync(folder)) return folder;
  const building = `${folder}.${process.pid}`;
  await localRunner.run([process.execPath, join(packageRoot, 'ci/build.ts'), '--daemon', building]);
  // Another process may have built the same in the meantime: either one will do.
  await rename(building, folder).catch(() => rm(building, { recursive: true }));
  return folder;
}

async function sourceHash(): Promise<string> {
  const patterns = [
    'daemon/**/*.{ts,sh}',
    'lib/*.ts',
    'ci/{build*,etcd-services}.ts',
    'ci/rehearsal/*',
    'package-lock.json',
  ];
  const files = (await Array.fromAsync(glob(patterns, { cwd: packageRoot }))).sort();
  const hash = createHash('sha256');
  for (const text of await Promise.all(files.map(file => readFile(join(packageRoot, file)))))
    hash.update(text);
  return hash.digest('hex').slice(0, 16);
}

function packageFolder(start: string): string {
  let folder = resolve(start, '..');
  while (!existsSync(join(folder, 'package.json'))) folder = resolve(folder, '..');
  return folder;
}
