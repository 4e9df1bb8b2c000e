// Makes one executable of Node and the built daemon: Node's single executable application, with our files as its assets.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { bundling } from '../build-daemon.ts';
import { withNote } from './elf.ts';

const assets = ['main.js', 'main.js.cache', 'udp-worker.js', 'koffi.node'];
/** What Node looks for in itself, and the mark behind which a 1 has it look. */
const noteName = 'NODE_SEA_BLOB';
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:';

/** Writes to `target` an executable of the program `node` and the daemon that was built into `daemon`. */
export async function makeExecutable(daemon: string, node: string, target: string): Promise<void> {
  const program = withNote(await readFile(node), noteName, await application(daemon));
  const at = program.indexOf(`${fuse}0`);
  if (at < 0) throw new Error(`${node} is no Node that can carry an application`);
  program.write('1', at + fuse.length, 'latin1');
  await writeFile(target, program, { mode: 0o755 });
}

/** The application as Node reads it, for any machine: it has no code compiled by Node itself. */
async function application(daemon: string): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-executable-'));
  try {
    const entryPoints = { executable: 'daemon/executable.ts' };
    await build({ ...bundling, entryPoints, outdir: folder });
    const there = assets.filter(name => existsSync(join(daemon, name)));
    const config = {
      // This name is in the application.
      main: 'executable.js',
      output: 'application',
      disableExperimentalSEAWarning: true,
      // Options of Node in the environment are not for us.
      execArgvExtension: 'none',
      assets: Object.fromEntries(there.map(name => [name, join(daemon, name)])),
    };
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    await promisify(execFile)(process.execPath, ['--experimental-sea-config', 'config.json'], {
      cwd: folder,
    });
    return await readFile(join(folder, 'application'));
  } finally {
    await rm(folder, { recursive: true });
  }
}
