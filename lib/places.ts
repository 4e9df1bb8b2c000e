// Where set-up keeps its things (state) and where running clusters live (run); `ci/setup` uses the same rules.
import { accessSync, constants } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { UsageError } from './errors.ts';

const isRoot = process.getuid?.() === 0;

/** Kept between reboots: unpacked etcd, the private engine's data. `FLANNEL_LAB_HOME` overrides it, and where clusters run. */
export function stateDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.FLANNEL_LAB_HOME) return env.FLANNEL_LAB_HOME;
  if (isRoot) return '/var/lib/flannel-lab';
  return join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'flannel-lab');
}

/** Gone after a reboot: clusters, sockets, the private engine's pid file. */
export function runDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.FLANNEL_LAB_HOME) return join(env.FLANNEL_LAB_HOME, 'run');
  if (isRoot) return '/run/flannel-lab';
  return join(env.XDG_RUNTIME_DIR ?? tmpdir(), `flannel-lab-${process.getuid?.() ?? 0}`);
}

/** The absolute path of a program: what set-up unpacked, or what PATH has. Undefined when neither has it. */
export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', join(stateDir(env), 'bin')];
  return folders.map(folder => join(folder, name)).find(isExecutable);
}

/** As {@link findProgram}, but a missing program is a usage error that says how to get it. */
export function needProgram(name: string): string {
  const path = findProgram(name);
  if (path) return path;
  throw new UsageError(`${name} is not installed`, { hint: 'sh ci/setup   # installs what is missing' });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
