// The compiled code that comes with the daemon: what V8 made in a rehearsed start, the same bytes for the same source.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rehearse } from './rehearsal/rehearsal.ts';

/** Flags of V8 that keep chance out of what it makes, and those that bring each back to what it is by default. */
const steady = ['--hash-seed=1', '--no-flush-bytecode', '--no-sparkplug'];
const usual = ['--hash-seed=0', '--flush-bytecode', '--sparkplug'];

const settle = fileURLToPath(new URL('rehearsal/settle.cjs', import.meta.url));

/** A machine that is held up may take another way once; it does not do so in the same way again and again. */
const attempts = 4;

/** Rehearses starts of the daemon in `folder` until two have left the same, which becomes its main.js.cache. */
export async function keepCompiled(folder: string): Promise<void> {
  const seen = new Map<string, string>();
  for (let attempt = 0; attempt < attempts; attempt++) {
    const files = await Promise.all([attempt * 2, attempt * 2 + 1].map(number => compiled(folder, number)));
    for (const file of files) {
      const digest = createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
      const twin = seen.get(digest);
      if (twin) {
        await rename(file, join(folder, 'main.js.cache'));
        await Promise.all([...seen.values(), ...files].map(one => rm(one, { force: true })));
        return;
      }
      seen.set(digest, file);
    }
  }
  throw new Error(`${seen.size} rehearsals of the daemon in ${folder} left as many different compiled codes`);
}

async function compiled(folder: string, number: number): Promise<string> {
  const [made, settled] = [join(folder, `made.${number}`), join(folder, `settled.${number}`)];
  const env = { FLANNEL_KEEP_COMPILED: made };
  await rehearse(join(folder, 'flanneld.js'), etcdProto(), { env, nodeFlags: steady });
  const args = [...steady, settle, join(folder, 'main.js'), made, settled, ...usual];
  await promisify(execFile)(process.execPath, args);
  await rm(made);
  return settled;
}

/** The path of etcd's rpc.proto. */
export function etcdProto(): string {
  const fromEtcd3 = createRequire(createRequire(import.meta.url).resolve('etcd3'));
  return join(dirname(fromEtcd3.resolve('etcd3')), '../proto/rpc.proto');
}
