// Files other programs read: replaced as a whole or not at all, whatever happens in between.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type PreviousEnv, parseSubnetEnv } from '../model/subnet-env.ts';

/**
 * Writes `text` under a random name beside `path`, flushes it to disk and renames it into place, with mode 0644
 * whatever the umask. The folder is made when missing, a symbolic link is followed. On failure the old file stands
 * and nothing is left behind. What is not a regular file, such as /dev/stdout, is written to as it is.
 */
export async function writeAtomically(target: string, text: string): Promise<void> {
  const path = await realpath(target).catch(() => target);
  if (await isSpecial(path)) return writeFile(path, text);
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', 0o644);
    try {
      await file.chmod(0o644);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function isSpecial(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    return !found.isFile() && !found.isDirectory();
  } catch {
    return false;
  }
}

/** Longer files are no subnet.env. */
const longest = 65_536;

/** What the previous run wrote; a file that is missing, unreadable or garbage counts as none. */
export async function readPrevious(path: string): Promise<PreviousEnv> {
  try {
    const text = await readFile(path, 'utf8');
    return parseSubnetEnv(text.slice(0, longest));
  } catch {
    return { network: undefined, subnet: undefined };
  }
}
