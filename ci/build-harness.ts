// Builds what other repositories import: `flannel-lab/vitest` and the `lab` command as JavaScript, with types.
import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Node does not strip types below node_modules, so the package ships JavaScript; dependencies stay imports. */
export async function buildHarness(folder: string): Promise<void> {
  await Promise.all([bundle(folder), declarations(folder)]);
}

async function bundle(folder: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: { vitest: 'harness/vitest/index.ts', lab: 'harness/cli/main.ts' },
    outdir: folder,
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    target: 'node24',
    format: 'esm',
    logLevel: 'error',
  });
  await chmod(join(folder, 'lab.js'), 0o755);
}

async function declarations(folder: string): Promise<void> {
  const flags = [
    '--noEmit',
    'false',
    '--declaration',
    '--emitDeclarationOnly',
    '--rewriteRelativeImportExtensions',
  ];
  const tsc = join(root, 'node_modules/.bin/tsc');
  await promisify(execFile)(tsc, [...flags, '--outDir', join(folder, 'types')], { cwd: root });
}
