// Folders that are made once for each state of what they are made of, and go when nobody has asked for them for days.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { glob, mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Milliseconds. Longer than clusters live, so that none has its program taken away. */
const keep = 7 * 24 * 3600e3;

/**
 * The folder; `make` fills it when it is not there, under another name, so that nobody finds half of it. Whatever else
 * lies beside it and was not asked for in a week is removed.
 */
export async function once(folder: string, make: (folder: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) {
    const now = new Date();
    await utimes(folder, now, now);
    return folder;
  }
  await dropOld(dirname(folder));
  const making = `${folder}.${process.pid}`;
  await mkdir(making, { recursive: true });
  try {
    await make(making);
    await rename(making, folder);
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    // Another process may have made the same in the meantime: either one will do.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

async function dropOld(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  await Promise.all(
    names.map(async name => {
      const path = join(parent, name);
      const found = await stat(path).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > keep) await rm(path, { recursive: true, force: true });
    }),
  );
}

/** Of the files that these patterns find below `root`. */
export async function sourceHash(root: string, patterns: readonly string[]): Promise<string> {
  const files = (await Array.fromAsync(glob(patterns, { cwd: root }))).sort();
  const hash = createHash('sha256');
  for (const content of await Promise.all(files.map(file => readFile(join(root, file)))))
    hash.update(content);
  return hash.digest('hex').slice(0, 16);
}
