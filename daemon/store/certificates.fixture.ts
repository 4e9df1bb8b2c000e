// Certificates for tests, made with openssl and gone with their handle.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../../lib/places.ts';

export const openssl = findProgram('openssl');

/** Paths of PEM files. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

export interface Authority extends Pair, AsyncDisposable {
  /** A certificate of this authority; `address` is what a server is reached at, `days` from now it ends. */
  issue(name: string, wishes?: { address?: string; days?: number }): Promise<Pair>;
}

const run = promisify(execFile);

export async function createAuthority(): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-ca-'));
  const pairAt = (name: string): Pair => ({
    certificate: join(folder, `${name}.crt`),
    key: join(folder, `${name}.key`),
  });
  const ssl = (...args: string[]) => run(openssl ?? 'openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const own = pairAt('ca');
  await ssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    own.key,
    '-out',
    own.certificate,
    '-days',
    '2',
    '-subj',
    '/CN=test CA',
  );
  return {
    ...own,
    async issue(name, { address, days = 2 } = {}) {
      const pair = pairAt(name);
      const extensions = join(folder, `${name}.ext`);
      const wanted = [
        'extendedKeyUsage=serverAuth,clientAuth',
        ...(address ? [`subjectAltName=IP:${address}`] : []),
      ];
      await writeFile(extensions, wanted.join('\n'));
      await ssl('req', ...newKey, '-keyout', pair.key, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
      const signed = ['-CA', own.certificate, '-CAkey', own.key, '-CAcreateserial', '-extfile', extensions];
      await ssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        ...signed,
        '-days',
        String(days),
        '-out',
        pair.certificate,
      );
      return pair;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
