// The command line as Go's flag package reads it, the environment behind it, and the help text.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../lib/errors.ts';
import { flagsMarkdown, flagTable, helpText } from './flags.ts';
import { parseOptions } from './options.ts';

function run(args: readonly string[], env: Record<string, string> = {}) {
  const command = parseOptions(args, env);
  return command.kind === 'run' ? { ...command.options, warnings: command.warnings } : expect.unreachable();
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
      warnings: ['ignoring what follows the flags: false -etcd-prefix=/x'],
    });
    expect(run(['--', '-ip-masq']).ipMasq).toBe(false);
  });

  test('-iface may be repeated', () =>
    expect(run(['-iface=eth1', '-iface', '10.0.0.1']).iface).toEqual(['eth1', '10.0.0.1']));

  test('an empty value of a flag that may be repeated is none', () => {
    expect(run(['-iface=', '-iface-regex=', '-iface=eth1'])).toMatchObject({
      iface: ['eth1'],
      ifaceRegex: [],
    });
    expect(run([], { FLANNELD_IFACE_REGEX: '' }).ifaceRegex).toEqual([]);
  });

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

  test('addresses are read', () =>
    expect(run(['-public-ip=10.1.2.3', '-public-ipv6=FD00:0::1']).publicIps).toEqual({
      4: '10.1.2.3',
      6: 'fd00::1',
    }));

  test('etcd endpoints are parted at commas', () =>
    expect(run(['-etcd-endpoints=http://a:2379, b:1']).etcdEndpoints).toEqual(['http://a:2379', ' b:1']));

  test('/healthz is served when there is a port', () => {
    expect(run([]).health).toBeUndefined();
    expect(run(['-healthz-port=8471']).health).toEqual({ ip: '0.0.0.0', port: 8471 });
    expect(run(['-healthz-port=1', '-healthz-ip=::1']).health).toEqual({ ip: '::1', port: 1 });
  });
});

describe('secrets', () => {
  test.each([
    [['-ip-masq', 'true', '-etcd-password=secret'], 'true -etcd-password=…'],
    [['-ip-masq', 'true', '--etcd-password', 'secret', '-v=1'], 'true --etcd-password … -v=1'],
    [['-etcd-password', 'my', 'secret', 'words', '-v=1'], '… … -v=1'],
  ])('%j', (args, shown) =>
    expect(run(args).warnings).toEqual([`ignoring what follows the flags: ${shown}`]),
  );

  test('inside an endpoint are taken out of it, unless they are given otherwise', () => {
    const inside = '-etcd-endpoints=http://me:s%40c@a:1,https://b:2';
    expect(run([inside])).toMatchObject({
      etcdEndpoints: ['http://a:1', 'https://b:2'],
      etcdUsername: 'me',
      etcdPassword: 's@c',
    });
    expect(run([inside, '-etcd-username=you', '-etcd-password=p'])).toMatchObject({
      etcdEndpoints: ['http://a:1', 'https://b:2'],
      etcdUsername: 'you',
      etcdPassword: 'p',
    });
    for (const odd of ['http://me:a/b@a:1', '"http://me:a@b@a:1"', 'me:a%@a:1', 'http://secret@a:1'])
      expect(run([`-etcd-endpoints=${odd}`]).etcdEndpoints[0]).toMatch(/^"?(http:\/\/)?a:1"?$/);
  });
});

describe('the log', () => {
  const both = { folder: '/l', stderr: 'info' };
  test.each([
    [[], { folder: undefined, stderr: 'info' }],
    [['-log_dir=/l', '-logtostderr'], { folder: undefined, stderr: 'info' }],
    [['-log_dir=/l'], both],
    [['-log_dir=/l', '-logtostderr=false'], { folder: '/l', stderr: 'error' }],
    [['-log_dir=/l', '-logtostderr=false', '-stderrthreshold=warning'], { folder: '/l', stderr: 'warn' }],
    [['-log_dir=/l', '-logtostderr=false', '-stderrthreshold=0'], both],
    [['-log_dir=/l', '-logtostderr=false', '-alsologtostderr'], both],
    [['-logtostderr=false'], { folder: undefined, stderr: 'info' }],
    [['-log_dir=/l', '-v=2'], { folder: '/l', stderr: 'debug', level: 'debug' }],
  ])('%j', (args, log) => expect(run(args).log).toMatchObject(log));
});

describe('flags of other versions', () => {
  test('are taken without a word where they change nothing', () => {
    const args = ['-kube-subnet-mgr=false', '-kube-api-url=http://k', '-networks=', '-vmodule=x=1'];
    const more = ['-remote-cafile=/x', '-subnet-dir', '/x', '-set-node-network-unavailable=0'];
    expect(run([...args, ...more]).warnings).toEqual([]);
  });

  test.each(['networks=a,b', 'watch-networks', 'listen=:8080', 'remote=10.1.2.3:8080'])(
    'one warning names -%s, whose mode is gone',
    flag => {
      const name = flag.replace(/=.*/, '');
      expect(run([`-${flag}`]).warnings).toEqual([expect.stringContaining(`-${name} has no effect`)]);
    },
  );

  test('Kubernetes mode is refused from the environment, too', () =>
    expect(() => run([], { FLANNELD_KUBE_SUBNET_MGR: 'true' })).toThrow('FLANNELD_KUBE_SUBNET_MGR true'));
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
    [['-public-ipv6=10.1.2.3'], '-public-ipv6 10.1.2.3 is not an IPv6 address', undefined],
    [['-iface-can-reach=example.org'], '-iface-can-reach example.org is not an IP address', undefined],
    [['-healthz-port=65536'], '-healthz-port 65536 is not a port', undefined],
    [['-healthz-ip=localhost'], '-healthz-ip localhost is not an IP address', undefined],
    [['-etcd-api=4'], 'invalid value "4" for -etcd-api: it is one of 2, 3, auto', undefined],
    [['-log-format=xml'], 'invalid value "xml" for -log-format: it is one of text, json', undefined],
    [['-stderrthreshold=LOUD'], 'invalid value "LOUD" for -stderrthreshold', undefined],
    [['-kube-subnet-mgr'], '-kube-subnet-mgr true is of Kubernetes mode', undefined],
  ])('%j', (args, message, hint) => {
    const attempt = () => parseOptions(args, {});
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(message);
    if (hint) expect(attempt).toThrow(expect.objectContaining({ hint }));
  });
});

describe('B05: a margin for renewal', () => {
  const margin = (text: string, ...more: string[]) => [`-subnet-lease-renew-margin=${text}`, ...more];
  test.each([[margin('1')], [margin('1439')], [margin('19s', '-subnet-lease-ttl=20s')]])(
    '%j is taken',
    args => expect(parseOptions(args, {}).kind).toBe('run'),
  );

  test.each<[string[], string]>([
    ...['0', '-1', '1440', '1441', '99999'].map(text => [margin(text), 'out of range'] as [string[], string]),
    [margin('20s', '-subnet-lease-ttl=20s'), 'out of range'],
    [margin('abc'), 'invalid value "abc"'],
  ])('%j is refused', (args, message) => {
    expect(() => parseOptions(args, {})).toThrow(UsageError);
    expect(() => parseOptions(args, {})).toThrow(message);
  });
});

describe('environment', () => {
  test('stands in for flags that are not given', () => {
    const env = {
      FLANNELD_ETCD_PREFIX: '/env',
      FLANNELD_IP_MASQ: 'true',
      FLANNELD_IFACE: 'a,b',
      FLANNELD_V: '',
      FLANNELD_LOG_FORMAT: 'json',
      FLANNELD_OPTS: '-what a unit calls its flags',
    };
    expect(run([], env)).toMatchObject({
      etcdPrefix: '/env',
      ipMasq: true,
      iface: ['a,b'],
      log: { level: 'info', format: 'json' },
    });
    expect(run(['-etcd-prefix=/flag'], env).etcdPrefix).toBe('/flag');
  });

  test('does not ask for version or help, and bad values are misuse', () => {
    expect(run([], { FLANNELD_VERSION: 'true', FLANNELD_HELP: 'true' }).etcdPrefix).toBe(
      '/coreos.com/network',
    );
    expect(() => run([], { FLANNELD_SUBNET_LEASE_RENEW_MARGIN: 'x' })).toThrow(
      new UsageError('invalid value "x" for FLANNELD_SUBNET_LEASE_RENEW_MARGIN'),
    );
    expect(() => run([], { FLANNELD_PUBLIC_IPV6: '10.0.0.1' })).toThrow(
      'FLANNELD_PUBLIC_IPV6 10.0.0.1 is not',
    );
  });
});

test.each(['-h', '-help', '--help', '-help=true'])('%s asks for help', flag =>
  expect(parseOptions([flag], {})).toEqual({ kind: 'help' }),
);

test('-version asks for the version', () =>
  expect(parseOptions(['-version'], {})).toEqual({ kind: 'version' }));

test('the help text names every flag but the hidden ones, and each default', () => {
  for (const [name, { initial, kind, hidden, foreign }] of Object.entries(flagTable)) {
    const shown = helpText().includes(`  -${name}${kind === 'switch' || foreign ? '' : ` ${kind}`}\n`);
    expect(shown).toBe(!hidden);
    if (shown && !foreign && initial && initial !== 'false')
      expect(helpText()).toContain(`(default ${initial})`);
  }
});

test('the documentation lists the flags as they are', () => {
  const page = readFileSync(new URL('../docs/flanneld.md', import.meta.url), 'utf8');
  const [, listed] = /<!-- flags -->\n([\s\S]*?)<!-- end of flags -->/.exec(page) ?? [];
  expect(listed, 'put this between the marks in docs/flanneld.md').toBe(flagsMarkdown());
});
