// One compressed file of a folder: the same bytes for the same files, whoever makes it and when.
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Bytes; a release is a tenth of it. */
const maxBuffer = 1 << 30;

/** Writes what is in `folder`, with `time` (seconds since 1970) as that of all files, to `target`. Needs GNU tar. */
export async function makeTarball(folder: string, time: number, target: string): Promise<void> {
  const same = ['--format=ustar', '--sort=name', `--mtime=@${time}`, '--mode=u=rwX,go=rX'];
  const owner = ['--owner=root:0', '--group=root:0'];
  // Without an entry for the folder itself, which would change the one it is unpacked in.
  const entries = (await readdir(folder)).sort();
  const { stdout } = await promisify(execFile)(
    'tar',
    ['--create', ...same, ...owner, '--directory', folder, '--', ...entries],
    { encoding: 'buffer', maxBuffer, env: { ...process.env, LC_ALL: 'C' } },
  );
  // Node writes neither a name nor a time into the header.
  await writeFile(target, await promisify(gzip)(stdout, { level: 6 }));
}
