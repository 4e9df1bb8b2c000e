// Talking to `wg`: what it prints, what it is told, and that no key is seen when it fails.
import { describe, expect, test, vi } from 'vitest';
import { CommandError, type Runner, type RunResult } from '../../lib/run.ts';
import { stateText, type WireguardEntry, type WireguardPeerEntry } from '../model/net-state.ts';
import { Secret } from '../model/secret.ts';
import { keyPairOf, newPrivateKey } from '../model/wireguard-key.ts';
import { parseDump } from './parse-wg.ts';
import { Wg } from './wg.ts';
import { configOf } from './wg-config.ts';

const signal = AbortSignal.timeout(10_000);
const dev = 'flannel-wg';
const keys = keyPairOf(newPrivateKey()) ?? expect.unreachable();
const secret = keys.privateKey.reveal();
const psk = newPrivateKey();
const own: WireguardEntry = { kind: 'wireguard', dev, port: 51_820, ...keys };
const peer = (n: number, rest: Partial<WireguardPeerEntry> = {}): WireguardPeerEntry => ({
  kind: 'wireguard-peer',
  dev,
  publicKey: `PEER${n}`,
  endpoint: `192.168.7.${n}:51820`,
  allowedIps: [`10.5.${n}.0/24`],
  keepalive: 0,
  psk: undefined,
  ...rest,
});
const put = (entry: WireguardEntry | WireguardPeerEntry, replaces?: WireguardPeerEntry) =>
  ({ verb: 'put', entry, replaces }) as const;
const remove = (entry: WireguardPeerEntry) => ({ verb: 'remove', entry }) as const;

describe('what wg prints', () => {
  const line = (...fields: readonly string[]) => `${fields.join('\t')}\n`;

  test('a device with peers of all kinds', () => {
    const dump = [
      line(secret, keys.publicKey, '51820', 'off'),
      line('PEER2', '(none)', '192.168.7.2:51820', '10.5.2.0/24', '0', '0', '0', 'off'),
      line(
        'PEER3',
        psk,
        '[FD00:7:0::3]:51999',
        'fd00:5:0:3:0::/64,10.5.3.0/24',
        '1700000000',
        '1',
        '2',
        '25',
      ),
      line('PEER4', '(none)', '(none)', '(none)', '0', '0', '0', 'off'),
    ].join('');
    const state = parseDump(dump, dev);
    const digest = new Secret(psk).digest;
    expect(stateText(state)).toBe(`wireguard key ${keys.publicKey} port 51820 dev flannel-wg
wireguard-peer PEER2 at 192.168.7.2:51820 for 10.5.2.0/24 dev flannel-wg
wireguard-peer PEER3 at [fd00:7::3]:51999 for 10.5.3.0/24,fd00:5:0:3::/64 keepalive 25 psk ${digest} dev flannel-wg
wireguard-peer PEER4 at anywhere for  dev flannel-wg
`);
    expect(JSON.stringify(state) + stateText(state)).not.toContain(secret);
    expect(JSON.stringify(state)).not.toContain(psk);
  });

  test('a device that was told nothing yet', () => {
    expect(parseDump(line('(none)', '(none)', '40000', 'off'), dev)).toEqual([
      { kind: 'wireguard', dev, publicKey: '', port: 40_000 },
    ]);
  });

  test.each(['', 'nonsense', `${secret}\tKEY\tport\toff\n`, `${secret}\tKEY\t51820\toff\nPEER\t(none)\n`])(
    'something else is refused, and not quoted',
    dump => {
      const parse = () => parseDump(dump, dev);
      expect(parse).toThrow('wg show flannel-wg dump did not print the lines we know');
      expect(parse).not.toThrow(secret);
    },
  );
});

describe('what wg is told', () => {
  test('settings, and a peer in full, whatever it was before', () => {
    const changed = peer(2, { psk: new Secret(psk), keepalive: 25 });
    expect(configOf([put(own), put(changed, peer(2)), put(peer(3), changed)])).toBe(`[Interface]
PrivateKey = ${secret}
ListenPort = 51820
[Peer]
PublicKey = PEER2
PresharedKey = ${psk}
AllowedIPs = 10.5.2.0/24
Endpoint = 192.168.7.2:51820
PersistentKeepalive = 25
[Peer]
PublicKey = PEER3
PresharedKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
AllowedIPs = 10.5.3.0/24
Endpoint = 192.168.7.3:51820
PersistentKeepalive = off
`);
  });

  test('a new peer is sent something soon, unless it is anyway, there are very many, or it is gone by then', async () => {
    vi.useFakeTimers();
    try {
      const commands: string[] = [];
      const runner: Runner = {
        async run(argv): Promise<RunResult> {
          commands.push(argv.slice(1).join(' '));
          return { code: 0, stdout: '', stderr: '' };
        },
      };
      const wg = new Wg(runner);
      const [two, three] = [peer(2), peer(3)];
      const others = [put(peer(4, { keepalive: 9 })), put(peer(5), peer(5))];
      await wg.apply([put(own), put(two), put(three), ...others], signal);
      await wg.apply([remove(three)], signal);
      await wg.apply(
        Array.from({ length: 101 }, (_, n) => put(peer(100 + n))),
        signal,
      );
      commands.length = 0;
      await vi.advanceTimersByTimeAsync(1000);
      expect(commands).toEqual([
        'set flannel-wg peer PEER2 persistent-keepalive 1 peer PEER2 persistent-keepalive off',
      ]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a failure of wg', () => {
  /** Refuses what `isBad` says, quoting everything, as `wg` does with a line it does not know. */
  function refusing(isBad: (input: string) => boolean) {
    const commands: string[] = [];
    const runner: Runner = {
      async run(argv, { input = '' } = {}): Promise<RunResult> {
        commands.push(argv.join(' '));
        const bad = isBad(input);
        return { code: bad ? 1 : 0, stdout: '', stderr: bad ? `Line unrecognized: \`${input}'\n` : '' };
      },
    };
    return { wg: new Wg(runner), commands };
  }

  test('is told for the peer it is about, without a key; the others are put', async () => {
    const { wg, commands } = refusing(input => input.includes('PEER3'));
    const ops = [put(own), ...[2, 3, 4].map(n => put(peer(n, { psk: new Secret(psk) })))];
    const failures = await wg.apply(ops, signal);
    expect(failures).toMatchObject([{ op: ops[2], reason: expect.stringContaining('Line unrecognized') }]);
    expect(`${failures[0]?.reason}${commands}`).not.toContain(psk);
    expect(commands.join()).not.toContain(secret);
  });

  test('names a port in use without the key that was set in the same go', async () => {
    const [failure] = await refusing(() => true).wg.apply([put(own)], signal);
    expect(failure?.reason).toContain('PrivateKey = (secret)');
    expect(failure?.reason).not.toContain(secret);
  });

  test('that has no end is told without what it had printed', async () => {
    const facts = { argv: ['wg'] as const, code: undefined, signal: 'SIGKILL', stdout: secret, stderr: psk };
    const runner: Runner = {
      run: () => Promise.reject(new CommandError({ ...facts, milliseconds: 1, timedOut: true })),
    };
    const error = await new Wg(runner).read(dev, signal).catch(String);
    expect(error).toContain('timed out');
    expect(error).not.toMatch(new RegExp(`${secret}|${psk}`.replaceAll('+', '\\+')));
  });

  test('because it is not there says so', async () => {
    const missing = { argv: ['wg'] as const, code: undefined, signal: undefined, stdout: '', stderr: '' };
    const runner: Runner = {
      run: () => Promise.reject(new CommandError({ ...missing, milliseconds: 1, timedOut: false })),
    };
    expect(await new Wg(runner).read(dev, signal)).toBeUndefined();
    const shell: Runner = {
      run: async () => ({ code: 127, stdout: '', stderr: 'sh: 1: wg: not found\n' }),
    };
    expect(await new Wg(shell).apply([put(own)], signal)).toMatchObject([
      { reason: 'wg addconf flannel-wg: wg is not installed' },
    ]);
  });

  test('to remove peers of a device that is gone is none', async () => {
    const runner = (stderr: string): Runner => ({ run: async () => ({ code: 1, stdout: '', stderr }) });
    const gone = new Wg(runner('Unable to modify interface: No such device'));
    expect(await gone.apply([remove(peer(2))], signal)).toEqual([]);
    const barred = new Wg(runner('Unable to modify interface: Operation not permitted'));
    expect(await barred.apply([remove(peer(2))], signal)).toHaveLength(1);
  });
});
