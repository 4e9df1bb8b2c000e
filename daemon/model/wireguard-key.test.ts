// Keys: made as `wg` makes them, known by their public half, and shown to nobody.
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret, withoutPsk } from './secret.ts';
import { isKey, keyPairOf, newPrivateKey } from './wireguard-key.ts';

test('the public key of a private one is what `wg pubkey` says', () =>
  expect(keyPairOf('AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=')?.publicKey).toBe(
    'j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=',
  ));

test('a new one is a key, another each time, and has the bits that every one has', () => {
  const [one, other] = [newPrivateKey(), newPrivateKey()];
  expect(isKey(one)).toBe(true);
  expect(one).not.toBe(other);
  const bytes = Buffer.from(one, 'base64');
  expect((bytes[0] ?? 0) & 7).toBe(0);
  expect((bytes[31] ?? 0) & 0xc0).toBe(0x40);
});

test.each(['', 'x', 'A'.repeat(44), `${'A'.repeat(43)}`, `${'A'.repeat(42)}B=`, `${'A'.repeat(43)}=\n`])(
  '%j is none',
  text => {
    expect(isKey(text)).toBe(false);
    expect(keyPairOf(text)).toBeUndefined();
  },
);

test('a secret shows in no way of printing, and says whether it is another’s', () => {
  const text = newPrivateKey();
  const secret = new Secret(text);
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true }),
  ];
  for (const one of [...shown, secret.digest]) expect(one).not.toContain(text);
  expect(secret.digest).toBe(new Secret(text).digest);
  expect(secret.digest).not.toBe(new Secret(newPrivateKey()).digest);
  expect(secret.reveal()).toBe(text);
});

test.each([
  ['{"Backend":{"PSK":"abc def","Mode":"auto"}}', '{"Backend":{"PSK":(secret)","Mode":"auto"}}'],
  ['{"psk" : "abc', '{"psk" : (secret)'],
  ["{PSK: 'abc', Mode: 1}", "{PSK: (secret)', Mode: 1}"],
  ['{PSK: abc, Mode: 1}', '{PSK: (secret), Mode: 1}'],
  ['"{\\"PSK\\":\\"abc\\"}"', '"{\\"PSK\\":(secret)"}"'],
  ['{"Backend":{"Type":"vxlan"}}', '{"Backend":{"Type":"vxlan"}}'],
])('%s is quoted as %s', (text, quoted) => expect(withoutPsk(text)).toBe(quoted));
