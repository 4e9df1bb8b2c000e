// npm run release [-- amd64 arm64]: makes dist/flannel-v<version>-linux-<machine>.tar.gz, its bill of materials and
// SHA256SUMS. With --into <folder>, there instead of in dist/.
import { createHash } from 'node:crypto';
import { glob, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeError, UsageError } from '../../lib/errors.ts';
import { type Arch, archNames } from './parts.ts';
import { makeTarball } from './tarball.ts';
import { makeTree, root } from './tree.ts';

/** By the names of release files as well as by Node's; those of this machine when there are none. */
function archsOf(names: readonly string[]): readonly Arch[] {
  const known = Object.entries(archNames) as [Arch, string][];
  return (names.length > 0 ? names : [process.arch]).map(name => {
    const [arch] = known.find(pair => pair.includes(name)) ?? [];
    if (arch) return arch;
    throw new UsageError(`no release is made for ${name}`, { hint: 'npm run release -- amd64 arm64' });
  });
}

async function release(arch: Arch, dist: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-tree-'));
  try {
    const { source, bill } = await makeTree(arch, folder);
    const name = join(dist, `flannel-v${source.version}-linux-${archNames[arch]}`);
    await mkdir(dist, { recursive: true });
    await makeTarball(folder, source.time, `${name}.tar.gz`);
    await writeFile(`${name}.cdx.json`, bill);
    const { size } = await stat(`${name}.tar.gz`);
    process.stdout.write(`${name}.tar.gz  ${(size / 1e6).toFixed(1)} MB, commit ${source.commit}\n`);
    return source.version;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Of all release files of this version that are there, as `sha256sum -c` reads them. */
async function writeSums(version: string, dist: string): Promise<void> {
  const files = await Array.fromAsync(glob(join(dist, `flannel-v${version}-linux-*.{tar.gz,cdx.json}`)));
  const lines = files.sort().map(async file => {
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    return `${digest}  ${basename(file)}\n`;
  });
  await writeFile(join(dist, 'SHA256SUMS'), (await Promise.all(lines)).join(''));
}

try {
  const options = { into: { type: 'string', default: join(root, 'dist') } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const archs = archsOf(positionals);
  for (const arch of archs) await writeSums(await release(arch, values.into), values.into);
} catch (error) {
  process.stderr.write(`release: ${describeError(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
