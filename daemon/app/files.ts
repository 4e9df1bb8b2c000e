// Files other programs read: replaced as a whole or not at all, whatever happens in between.
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { randomHex } from '../../lib/random.ts';
import { type PreviousEnv, parseSubnetEnv } from '../model/subnet-env.ts';

/**
 * Writes `text` under a random name beside `target`, flushes it to disk and renames it into place, with this mode
 * whatever the umask. The folder is made when missing, a symbolic link is followed. On failure the old file stands
 * and nothing is left behind. What is not a regular file, such as /dev/stdout, is written to as it is.
 *
 * Synchronous: ten trips to a thread pool at the busiest moment of the start take longer than the writing.
 */
export function writeAtomically(target: string, text: string, mode = 0o644): void {
  const path = resolveLink(target);
  if (isSpecial(path)) {
    writeFileSync(path, text);
    return;
  }
  makeFolder(dirname(path));
  const temporary = join(dirname(path), `.${basename(path)}.${randomHex(6)}`);
  try {
    const file = openSync(temporary, 'wx', mode);
    try {
      fchmodSync(file, mode);
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    removeHalfDone(path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** What a run that was killed while writing left; nobody but the one who serves this file makes such names. */
function removeHalfDone(path: string): void {
  const [folder, prefix] = [dirname(path), `.${basename(path)}.`];
  const isHalfDone = (name: string) =>
    name.startsWith(prefix) && /^[0-9a-f]{12}$/.test(name.slice(prefix.length));
  try {
    for (const name of readdirSync(folder).filter(isHalfDone)) rmSync(join(folder, name), { force: true });
  } catch {} // the new file stands, which is what counts
}

/** Node's own recursive way tries for ever where the kernel denies that a folder exists and lets nobody make it. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o755 });
}

function resolveLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function isSpecial(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

/** Longer files are no subnet.env. */
const longest = 65_536;

/** What the previous run wrote; a file that is missing, unreadable or garbage counts as none. */
export function readPrevious(path: string): PreviousEnv {
  try {
    // A pipe would keep us waiting.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const buffer = Buffer.alloc(longest);
      // Of a device there would be no end.
      return parseSubnetEnv(buffer.toString('utf8', 0, readSync(file, buffer)));
    } finally {
      closeSync(file);
    }
  } catch {
    return { networks: {}, subnets: {} };
  }
}
