// The certificates and the password for etcd: files read and checked, so that what can never work ends the start.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { UserError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';

export interface Credentials {
  /** PEM; undefined for the authorities that Node knows. */
  readonly ca?: Buffer | undefined;
  /** PEM, together or not at all. */
  readonly certificate?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  /** Together or not at all. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

export interface CredentialOptions {
  readonly etcdCafile: string;
  readonly etcdCertfile: string;
  readonly etcdKeyfile: string;
  readonly etcdUsername: string;
  readonly etcdPassword: string;
}

/**
 * With `secure`, what verifies etcd is the file of `etcdCafile` or, as upstream has it, the host's own authorities.
 * Rejects with a UserError that names the flag, the file and what is wrong with it; a stale date is a warning only.
 */
export async function readCredentials(
  options: CredentialOptions,
  secure: boolean,
  log: Logger,
): Promise<Credentials> {
  const { etcdCafile, etcdCertfile, etcdKeyfile, etcdUsername: username, etcdPassword: password } = options;
  if (Boolean(etcdCertfile) !== Boolean(etcdKeyfile))
    throw new UserError(
      etcdCertfile
        ? '-etcd-certfile is given without -etcd-keyfile'
        : '-etcd-keyfile is given without -etcd-certfile',
      { hint: 'a client certificate needs both; to only verify etcd, -etcd-cafile is enough' },
    );
  if (Boolean(username) !== Boolean(password))
    log.warn('-etcd-username and -etcd-password are only useful together, asking etcd without them');
  const ca = readPem('etcd-cafile', etcdCafile);
  const certificate = readPem('etcd-certfile', etcdCertfile);
  const key = readPem('etcd-keyfile', etcdKeyfile);
  if (ca) checkCertificate('etcd-cafile', etcdCafile, ca, log);
  if (certificate && key) {
    const own = checkCertificate('etcd-certfile', etcdCertfile, certificate, log);
    checkKey(etcdKeyfile, key, etcdCertfile, own);
  }
  const authorities = ca ?? (secure ? await hostAuthorities() : undefined);
  return { ca: authorities, certificate, key, ...(username && password ? { username, password } : {}) };
}

function readPem(flag: string, path: string): Buffer | undefined {
  if (!path) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    throw unusable(flag, path, cause);
  }
}

/** Undefined on a host that has none. */
async function hostAuthorities(): Promise<Buffer | undefined> {
  const { getCACertificates } = await import('node:tls');
  const found = getCACertificates('system');
  return found.length > 0 ? Buffer.from(found.join('\n')) : undefined;
}

function checkCertificate(flag: string, path: string, pem: Buffer, log: Logger): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw unusable(flag, path, new Error('it has no certificate in PEM form', { cause }));
  }
  const { validFrom, validTo } = certificate;
  const now = Date.now();
  if (now < Date.parse(validFrom) || now > Date.parse(validTo))
    log.warn(`the certificate of -${flag} is not valid now`, { path, validFrom, validTo });
  return certificate;
}

function checkKey(path: string, pem: Buffer, certificatePath: string, certificate: X509Certificate): void {
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw unusable(
      'etcd-keyfile',
      path,
      new Error('it has no unencrypted private key in PEM form', { cause }),
    );
  }
  if (!certificate.checkPrivateKey(key))
    throw unusable('etcd-keyfile', path, new Error(`it is not the key of ${certificatePath}`));
}

function unusable(flag: string, path: string, cause: unknown): UserError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new UserError(`cannot use -${flag} ${path}: ${why}`, { cause });
}
