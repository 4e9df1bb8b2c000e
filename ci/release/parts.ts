// The parts of a release that depend on the machine: Node and koffi's library, from node_modules or the npm registry.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stateDir } from '../../lib/places.ts';

export type Arch = 'x64' | 'arm64';

/** As release files, and Go, name them. */
export const archNames: Readonly<Record<Arch, string>> = { x64: 'amd64', arm64: 'arm64' };

export interface LockedPackage {
  readonly version: string;
  /** `sha512-…`, in base64. */
  readonly integrity: string;
  readonly license?: string;
}

/** package-lock.json, as far as it matters here; packages by their folder. */
export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

export interface Parts {
  readonly node: string;
  readonly koffi: string;
  /** Folders in the lock of what these come from. */
  readonly packages: readonly string[];
  /** Where these packages lie on this machine. */
  readonly folders: readonly string[];
}

export async function partsFor(arch: Arch, root: string, lock: Lock): Promise<Parts> {
  const names = [`node-linux-${arch}`, `@koromix/koffi-linux-${arch}`];
  const folders = await Promise.all(names.map(name => folderOf(name, root, lock)));
  const [node = '', koffi = ''] = folders;
  return {
    node: join(node, 'bin/node'),
    koffi: join(koffi, `linux_${arch}/koffi.node`),
    packages: names.map(name => `node_modules/${name}`),
    folders,
  };
}

/** npm leaves out what is for other machines. */
async function folderOf(name: string, root: string, lock: Lock): Promise<string> {
  const installed = join(root, 'node_modules', name);
  if (existsSync(installed)) return installed;
  const locked = lock.packages[`node_modules/${name}`];
  if (!locked) throw new Error(`package-lock.json has no ${name}`);
  const kept = join(stateDir(), 'packages', `${name.replace('/', '-')}-${locked.version}`);
  if (!existsSync(kept)) await download(`${name}@${locked.version}`, locked.integrity, kept);
  return join(kept, 'package');
}

async function download(spec: string, integrity: string, target: string): Promise<void> {
  const folder = `${target}.${process.pid}`;
  await mkdir(folder, { recursive: true });
  try {
    const run = promisify(execFile);
    const { stdout } = await run('npm', ['pack', spec, '--silent', '--pack-destination', folder]);
    const file = join(folder, stdout.trim());
    const digest = createHash('sha512')
      .update(await readFile(file))
      .digest('base64');
    if (`sha512-${digest}` !== integrity)
      throw new Error(`${spec} of the registry is not the one of package-lock.json: sha512-${digest}`);
    await run('tar', ['-xzf', file, '-C', folder]);
    await rm(file);
    await rename(folder, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
