// What a release is made of: version, commit and moment, as package.json and git know them.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Source {
  readonly version: string;
  /** `-dirty` behind it: with changes that nobody else has. */
  readonly commit: string;
  /** Of the commit, in seconds since 1970; SOURCE_DATE_EPOCH overrides it. */
  readonly time: number;
}

/** Of the source tree in `root`. Rejects where that is no git checkout. */
export async function sourceOf(root: string): Promise<Source> {
  const git = async (...args: string[]) =>
    (await promisify(execFile)('git', ['-C', root, ...args])).stdout.trim();
  const [manifest, commit, time, changes] = await Promise.all([
    readFile(join(root, 'package.json'), 'utf8'),
    git('rev-parse', 'HEAD'),
    git('log', '-1', '--format=%ct'),
    git('status', '--porcelain'),
  ]);
  return {
    version: (JSON.parse(manifest) as { version: string }).version,
    commit: changes ? `${commit}-dirty` : commit,
    time: Number(process.env.SOURCE_DATE_EPOCH ?? time),
  };
}
