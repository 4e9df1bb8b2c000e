// A native library out of memory: the system's loader wants a file, so it gets one that has no name and ends with us.
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, UserError } from '../lib/errors.ts';

/** O_TMPFILE of <fcntl.h> without O_DIRECTORY, which it contains and of which the bit depends on the machine. */
const nameless = 0o20000000 | constants.O_DIRECTORY;

/** Where a file may be written and its code run: hardened hosts forbid either in some of these. */
const folders = ['/run', '/tmp', '/dev/shm', '/var/tmp', '/var/lib'];

export interface Native {
  /** By which other threads load it as well, for as long as this process runs. */
  readonly path: string;
  readonly exports: unknown;
}

/**
 * Loads a Node add-on. The first folder that will do is taken, TMPDIR before all others; throws a UserError with what
 * was wrong with each when there is none.
 */
export function loadNative(library: Uint8Array, tried = candidates(process.env.TMPDIR)): Native {
  const problems: string[] = [];
  for (const folder of tried) {
    let file: number | undefined;
    try {
      file = openNameless(folder);
      for (let at = 0; at < library.length; ) at += writeSync(file, library, at);
      const path = `/proc/self/fd/${file}`;
      const module = { exports: {} };
      process.dlopen(module, path);
      return { path, exports: module.exports };
    } catch (error) {
      if (file !== undefined) closeSync(file);
      problems.push(`${folder}: ${describeError(error)}`);
    }
  }
  throw new UserError(`no folder to load native code from (${problems.join('; ')})`, {
    hint: 'set TMPDIR to a folder on a file system that is mounted without noexec and can be written to',
  });
}

function candidates(own: string | undefined): readonly string[] {
  return own ? [own, ...folders] : folders;
}

function openNameless(folder: string): number {
  try {
    return openSync(folder, constants.O_RDWR | nameless, 0o700);
  } catch (error) {
    // Some file systems have no such files; there it has a name for a moment.
    if (!['EOPNOTSUPP', 'EISDIR', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
    return openRemoved(folder);
  }
}

/** A file in a folder that nobody else can enter, removed before anything is in it. */
export function openRemoved(folder: string): number {
  const own = mkdtempSync(join(folder, 'flanneld-'));
  try {
    return openSync(join(own, 'native'), 'wx+', 0o700);
  } finally {
    rmSync(own, { recursive: true });
  }
}
