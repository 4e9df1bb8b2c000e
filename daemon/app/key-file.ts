// The private key of this node: a file that is made once and kept, so that peers know the node again after a restart.
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeError, UserError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { type KeyPair, keyPairOf, newPrivateKey } from '../model/wireguard-key.ts';
import { writeAtomically } from './files.ts';

/** Where upstream has it, so that either daemon finds the other's. */
export function keyFile({ WIREGUARD_KEY_FILE: given }: NodeJS.ProcessEnv): string {
  return given || '/run/flannel/wgkey';
}

/** Throws a UserError when the file can be neither read nor made, or holds no key. What it holds is never told. */
export function loadKeys(path: string, log: Logger): KeyPair {
  const text = read(path) ?? make(path, log);
  const keys = keyPairOf(text.trim());
  if (!keys)
    throw new UserError(`the key file ${path} holds no wireguard key, which is 44 characters of base64`, {
      hint: `to get a new key, which the other nodes will hear of: rm ${path}`,
    });
  if (statSync(path).mode & 0o077)
    log.warn('the key file can be read by others', { path, hint: `chmod 600 ${path}` });
  return keys;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(`cannot read the key file ${path}: ${describeError(cause)}`, {
      hint: 'WIREGUARD_KEY_FILE names another file',
      cause,
    });
  }
}

function make(path: string, log: Logger): string {
  const key = newPrivateKey();
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeAtomically(path, key, 0o600);
  } catch (cause) {
    throw new UserError(`cannot write the key file ${path}: ${describeError(cause)}`, {
      hint: 'WIREGUARD_KEY_FILE names another file',
      cause,
    });
  }
  log.info('new key file', { path });
  return key;
}
