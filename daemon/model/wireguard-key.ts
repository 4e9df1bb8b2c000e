// Keys of wireguard: 32 bytes of Curve25519, as base64.
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { Secret } from './secret.ts';

export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: Secret;
}

/** Whether `wg` takes it for a key; the last of its digits carries two bits that have to be zero. */
export function isKey(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(value);
}

/** What precedes the bytes of such a key in a PKCS #8 document (RFC 8410). */
const header = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** Undefined when the text is no key. */
export function keyPairOf(privateKey: string): KeyPair | undefined {
  if (!isKey(privateKey)) return undefined;
  const der = Buffer.concat([header, Buffer.from(privateKey, 'base64')]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const bytes = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { publicKey: bytes.toString('base64'), privateKey: new Secret(privateKey) };
}

/** With the bits set that every such key has, as `wg genkey` does. */
export function newPrivateKey(): string {
  const bytes = randomBytes(32);
  bytes[0] = (bytes[0] ?? 0) & 0xf8;
  bytes[31] = ((bytes[31] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('base64');
}
