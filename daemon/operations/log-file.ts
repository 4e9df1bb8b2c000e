// The log file of -log_dir: flanneld.INFO, and what was before it in flanneld.INFO.old.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../lib/errors.ts';

/** Bytes after which a new file is begun, so that both together never take more than twice this. */
const longest = 16 * 2 ** 20;

/**
 * A function that appends a line. Throws a UserError when the file cannot be opened; later failures (a full disk) are
 * thrown as they are.
 */
export function openLogFile(folder: string, limit = longest): (line: string) => void {
  const path = join(folder, 'flanneld.INFO');
  let file: number;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    file = open(path);
  } catch (cause) {
    throw new UserError(`cannot write the log file ${path}: ${(cause as Error).message}`, {
      cause,
      hint: 'give another -log_dir, or -logtostderr',
    });
  }
  let size = fstatSync(file).size;
  return line => {
    if (size > limit) {
      closeSync(file);
      renameSync(path, `${path}.old`);
      file = open(path);
      size = 0;
    }
    size += writeSync(file, `${line}\n`);
  };
}

/** The Go daemon has a symbolic link of this name, to a file of its own: that file is not ours to write to. */
function open(path: string): number {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(path);
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
  return openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o644);
}
