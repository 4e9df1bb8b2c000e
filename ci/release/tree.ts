// The files of a release, as they lie in its folder.
import { chmod, copyFile, cp, glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDaemon, bundleDaemon } from '../build-daemon.ts';
import { makeExecutable } from './executable.ts';
import { type Arch, type Lock, partsFor } from './parts.ts';
import { billOfMaterials, packagesOf } from './sbom.ts';
import { type Source, sourceOf } from './source.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Tree {
  readonly source: Source;
  readonly bill: string;
}

/** Writes the files of a release for machines of this kind into `folder`, and tells what they are made of. */
export async function makeTree(arch: Arch, folder: string): Promise<Tree> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const [source, parts] = await Promise.all([sourceOf(root), partsFor(arch, root, lock)]);
  const daemon = await mkdtemp(join(tmpdir(), 'flannel-lab-release-'));
  try {
    // Only where the daemon runs can code be compiled for it; elsewhere it starts a little later.
    const build = arch === process.arch ? buildDaemon : bundleDaemon;
    const bundled = await build(daemon, { commit: source.commit });
    await copyFile(parts.koffi, join(daemon, 'koffi.node'));
    await mkdir(folder, { recursive: true });
    await makeExecutable(daemon, parts.node, join(folder, 'flanneld'));
    await copyFile(join(daemon, 'mk-docker-opts.sh'), join(folder, 'mk-docker-opts.sh'));
    await chmod(join(folder, 'mk-docker-opts.sh'), 0o755);
    await cp(join(root, 'packaging'), folder, { recursive: true });
    await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'));
    const packages = packagesOf(bundled);
    const folders = [...packages.map(name => join(root, name)), ...parts.folders];
    await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), await licenses(folders));
    return { source, bill: billOfMaterials(source, [...packages, ...parts.packages].sort(), lock) };
  } finally {
    await rm(daemon, { recursive: true });
  }
}

/** What the licenses of these packages ask to be handed on. */
async function licenses(folders: readonly string[]): Promise<string> {
  const texts = folders.map(async folder => {
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const files = (await Array.fromAsync(glob('{LICENSE,LICENCE,NOTICE,COPYING}*', { cwd: folder }))).sort();
    const contents = await Promise.all(files.map(file => readFile(join(folder, basename(file)), 'utf8')));
    return [`${'='.repeat(80)}\n${name} ${version} (${license})`, ...contents.map(text => text.trim())].join(
      '\n\n',
    );
  });
  return `${(await Promise.all(texts)).join('\n\n')}\n`;
}
