// The command line as Go's flag package reads it, the environment behind it, and the help text.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../lib/errors.ts';
import { parseIp4 } from '../lib/ip.ts';
import { flags, flagsMarkdown, helpText } from './flags.ts';
import { parseOptions } from './options.ts';

function run(args: readonly string[], env: Record<string, string> = {}) {
  const command = parseOptions(args, env);
  return command.kind === 'run' ? { ...command.options, ignored: command.ignored } : expect.unreachable();
}

describe('flags', () => {
  test.each([
    [['-etcd-prefix', '/x']],
    [['--etcd-prefix', '/x']],
    [['-etcd-prefix=/x']],
    [['--etcd-prefix=/x']],
    [['-etcd-prefix=/y', '-etcd-prefix=/x']],
  ])('%j', args => expect(run(args).etcdPrefix).toBe('/x'));

  test('a value may hold an equals sign, and may look like a flag', () => {
    expect(run(['-etcd-password=a=b']).etcdPassword).toBe('a=b');
    expect(run(['-etcd-prefix', '-x']).etcdPrefix).toBe('-x');
  });

  test.each([
    [['-ip-masq'], true],
    [['-ip-masq=true'], true],
    [['-ip-masq=T'], true],
    [['-ip-masq=1'], true],
    [['-ip-masq=0'], false],
    [['--ip-masq=False'], false],
    [[], false],
  ])('%j', (args, on) => expect(run(args).ipMasq).toBe(on));

  test('a switch takes no word of its own: the word ends the flags', () => {
    expect(run(['--ip-masq', 'false', '-etcd-prefix=/x'])).toMatchObject({
      ipMasq: true,
      etcdPrefix: '/coreos.com/network',
      ignored: ['false', '-etcd-prefix=/x'],
    });
    expect(run(['--', '-ip-masq']).ipMasq).toBe(false);
  });

  test('-iface may be repeated', () =>
    expect(run(['-iface=eth1', '-iface', '10.0.0.1']).iface).toEqual(['eth1', '10.0.0.1']));

  test.each([
    ['60', 3600],
    ['0x3c', 3600],
    ['0o74', 3600],
    ['074', 3600],
    ['1', 60],
    ['1439', 86_340],
    ['8s', 8],
    ['1.5h', 5400],
  ])('a renew margin of %s is %d seconds', (text, seconds) =>
    expect(run([`-subnet-lease-renew-margin=${text}`]).renewMargin).toBe(seconds),
  );

  test('addresses are read', () => expect(run(['-public-ip=10.1.2.3']).publicIp).toBe(parseIp4('10.1.2.3')));
});

describe('misuse', () => {
  test.each([
    [['-etcd-prefx=/x'], 'flag provided but not defined: -etcd-prefx', 'did you mean -etcd-prefix?'],
    [['-nonsense-altogether'], 'flag provided but not defined: -nonsense-altogether', undefined],
    [['-constructor=1'], 'flag provided but not defined: -constructor', undefined],
    [['---v=1'], 'bad flag syntax: ---v=1', undefined],
    [['-=1'], 'bad flag syntax: -=1', undefined],
    [['-etcd-prefix'], 'flag needs an argument: -etcd-prefix', undefined],
    [['-ip-masq=maybe'], 'invalid boolean value "maybe" for -ip-masq', undefined],
    [['-v=abc'], 'invalid value "abc" for -v', undefined],
    [['-public-ip=10.1.2'], '-public-ip 10.1.2 is not an IPv4 address', undefined],
    [['-subnet-lease-renew-margin=0'], 'out of range', undefined],
    [['-subnet-lease-renew-margin=-1'], 'out of range', undefined],
    [['-subnet-lease-renew-margin=1440'], 'out of range', undefined],
    [['-subnet-lease-ttl=20s', '-subnet-lease-renew-margin=20s'], 'out of range', undefined],
  ])('%j', (args, message, hint) => {
    const attempt = () => parseOptions(args, {});
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(message);
    if (hint) expect(attempt).toThrow(expect.objectContaining({ hint }));
  });
});

describe('environment', () => {
  test('stands in for flags that are not given', () => {
    const env = {
      FLANNELD_ETCD_PREFIX: '/env',
      FLANNELD_IP_MASQ: 'true',
      FLANNELD_IFACE: 'a,b',
      FLANNELD_V: '',
    };
    expect(run([], env)).toMatchObject({ etcdPrefix: '/env', ipMasq: true, iface: ['a,b'], verbosity: 0 });
    expect(run(['-etcd-prefix=/flag'], env).etcdPrefix).toBe('/flag');
  });

  test('does not ask for version or help, and bad values are misuse', () => {
    expect(run([], { FLANNELD_VERSION: 'true', FLANNELD_HELP: 'true' }).etcdPrefix).toBe(
      '/coreos.com/network',
    );
    expect(() => run([], { FLANNELD_SUBNET_LEASE_RENEW_MARGIN: 'x' })).toThrow(UsageError);
  });
});

test.each(['-h', '-help', '--help', '-help=true'])('%s asks for help', flag =>
  expect(parseOptions([flag], {})).toEqual({ kind: 'help' }),
);

test('-version asks for the version', () =>
  expect(parseOptions(['-version'], {})).toEqual({ kind: 'version' }));

test('the help text names every flag but the hidden ones, and each default', () => {
  for (const [name, { initial, kind, ...rest }] of Object.entries(flags)) {
    const shown = helpText().includes(`  -${name}${kind === 'switch' ? '' : ` ${kind}`}\n`);
    expect(shown).toBe(!('hidden' in rest));
    if (shown && initial && initial !== 'false') expect(helpText()).toContain(`(default ${initial})`);
  }
});

test('the documentation lists the flags as they are', () => {
  const page = readFileSync(new URL('../docs/flanneld.md', import.meta.url), 'utf8');
  const [, listed] = /<!-- flags -->\n([\s\S]*?)<!-- end of flags -->/.exec(page) ?? [];
  expect(listed, 'put this between the marks in docs/flanneld.md').toBe(flagsMarkdown());
});
