// Chance that is good enough for names and addresses.

/** So many random bytes, in hex. Not for secrets; what makes those takes Node 5 ms to load. */
export function randomHex(bytes: number): string {
  const byte = () => Math.floor(Math.random() * 256);
  return Buffer.from(Array.from({ length: bytes }, byte)).toString('hex');
}
