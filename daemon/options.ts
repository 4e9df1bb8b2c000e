// The command line and FLANNELD_* environment from one table: parsing as Go's flag package does, and --help.
import { nearest, UsageError } from '../lib/errors.ts';
import { parseIp4 } from '../lib/ip.ts';

type Kind = 'text' | 'list' | 'switch' | 'number' | 'duration';

interface Flag {
  readonly kind: Kind;
  readonly initial: string;
  readonly help: string;
  /** Never logged or printed. */
  readonly secret?: true;
  /** Left out of --help: for tests. Described in the documentation. */
  readonly hidden?: true;
}

/** All flags; the environment variable of `etcd-prefix` is FLANNELD_ETCD_PREFIX. */
export const flags = {
  'etcd-endpoints': {
    kind: 'text',
    initial: 'http://127.0.0.1:4001,http://127.0.0.1:2379',
    help: 'comma-separated etcd endpoints',
  },
  'etcd-prefix': { kind: 'text', initial: '/coreos.com/network', help: 'where the keys of this network are' },
  'etcd-cafile': { kind: 'text', initial: '', help: 'CA certificate to verify etcd with' },
  'etcd-certfile': { kind: 'text', initial: '', help: 'client certificate to show to etcd' },
  'etcd-keyfile': { kind: 'text', initial: '', help: 'private key of the client certificate' },
  'etcd-username': { kind: 'text', initial: '', help: 'user name for etcd' },
  'etcd-password': { kind: 'text', initial: '', help: 'password for etcd', secret: true },
  iface: {
    kind: 'list',
    initial: '',
    help: 'interface (name or address) towards the other nodes; may be repeated, the first that exists is used',
  },
  'public-ip': { kind: 'text', initial: '', help: 'address that other nodes reach this one at' },
  'subnet-file': { kind: 'text', initial: '/run/flannel/subnet.env', help: 'file to write the subnet to' },
  'subnet-lease-renew-margin': {
    kind: 'duration',
    initial: '60',
    help: 'how long before its expiry the lease is renewed: minutes, or a time such as 90s',
  },
  'ip-masq': { kind: 'switch', initial: 'false', help: 'masquerade what leaves the network' },
  'iptables-resync': { kind: 'number', initial: '5', help: 'seconds between checks of the iptables rules' },
  'iptables-forward-rules': {
    kind: 'switch',
    initial: 'true',
    help: 'accept forwarded packets from and to the network',
  },
  'subnet-lease-ttl': {
    kind: 'duration',
    initial: '1440',
    help: 'how long the lease lives without renewal: minutes, or a time such as 20s',
    hidden: true,
  },
  v: { kind: 'number', initial: '0', help: 'log level; 1 and above log details' },
  version: { kind: 'switch', initial: 'false', help: 'print the version and exit' },
  help: { kind: 'switch', initial: 'false', help: 'print this and exit' },
} as const satisfies Record<string, Flag>;

type FlagName = keyof typeof flags;
const table: Readonly<Record<string, Flag>> = flags;

export interface Options {
  readonly etcdEndpoints: readonly string[];
  readonly etcdPrefix: string;
  readonly etcdCafile: string;
  readonly etcdCertfile: string;
  readonly etcdKeyfile: string;
  readonly etcdUsername: string;
  readonly etcdPassword: string;
  readonly iface: readonly string[];
  /** Unsigned 32-bit. */
  readonly publicIp: number | undefined;
  readonly subnetFile: string;
  /** Seconds. */
  readonly renewMargin: number;
  readonly ipMasq: boolean;
  /** Seconds. */
  readonly iptablesResync: number;
  readonly iptablesForwardRules: boolean;
  /** Seconds. */
  readonly leaseTtl: number;
  readonly verbosity: number;
}

export type Command =
  | { readonly kind: 'run'; readonly options: Options; readonly ignored: readonly string[] }
  | { readonly kind: 'help' | 'version' };

/**
 * Reads flags (`-x v`, `--x=v`, switches only as `-x` or `-x=v`; the first word that is no flag ends them) and, for
 * flags not given, FLANNELD_* variables that are not empty. Throws UsageError.
 */
export function parseOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const { given, ignored } = readFlags(args);
  const isSet = (name: FlagName) => parseSwitch(name, given.get(name)?.at(-1) ?? 'false');
  // As upstream, these two are settled before the environment is looked at.
  if (isSet('help')) return { kind: 'help' };
  if (isSet('version')) return { kind: 'version' };
  for (const name of Object.keys(table)) {
    const value = env[variableOf(name)];
    if (value && !given.has(name)) given.set(name, [value]);
  }
  return { kind: 'run', options: toOptions(given), ignored };
}

function variableOf(name: string): string {
  return `FLANNELD_${name.toUpperCase().replaceAll('-', '_')}`;
}

function readFlags(args: readonly string[]): { given: Map<string, string[]>; ignored: readonly string[] } {
  const given = new Map<string, string[]>();
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '--') return { given, ignored: args.slice(at + 1) };
    const [, flag, inline] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (flag === undefined) {
      if (!word.startsWith('-') || word === '-') return { given, ignored: args.slice(at) };
      throw new UsageError(`bad flag syntax: ${word}`);
    }
    const name = flag === 'h' ? 'help' : flag;
    const known = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!known) throw unknownFlag(name);
    const value = inline ?? (known.kind === 'switch' ? 'true' : args[++at]);
    if (value === undefined) throw new UsageError(`flag needs an argument: -${name}`);
    given.set(name, [...(given.get(name) ?? []), value]);
  }
  return { given, ignored: [] };
}

function unknownFlag(name: string): UsageError {
  const near = nearest(name, Object.keys(table));
  return new UsageError(
    `flag provided but not defined: -${name}`,
    near ? { hint: `did you mean -${near}?` } : {},
  );
}

function toOptions(given: ReadonlyMap<string, readonly string[]>): Options {
  const text = (name: FlagName) => given.get(name)?.at(-1) ?? flags[name].initial;
  const renewMargin = parseDuration('subnet-lease-renew-margin', text('subnet-lease-renew-margin'));
  const leaseTtl = parseDuration('subnet-lease-ttl', text('subnet-lease-ttl'));
  if (renewMargin <= 0 || renewMargin >= leaseTtl)
    throw new UsageError(
      `-subnet-lease-renew-margin ${text('subnet-lease-renew-margin')} is out of range: more than 0 and less than the lease's ${leaseTtl / 60} minutes`,
    );
  const publicIp = text('public-ip') ? parseIp4(text('public-ip')) : undefined;
  if (text('public-ip') && publicIp === undefined)
    throw new UsageError(`-public-ip ${text('public-ip')} is not an IPv4 address`);
  return {
    etcdEndpoints: text('etcd-endpoints').split(','),
    etcdPrefix: text('etcd-prefix'),
    etcdCafile: text('etcd-cafile'),
    etcdCertfile: text('etcd-certfile'),
    etcdKeyfile: text('etcd-keyfile'),
    etcdUsername: text('etcd-username'),
    etcdPassword: text('etcd-password'),
    iface: given.get('iface') ?? [],
    publicIp,
    subnetFile: text('subnet-file'),
    renewMargin,
    ipMasq: parseSwitch('ip-masq', text('ip-masq')),
    iptablesResync: Math.max(1, parseNumber('iptables-resync', text('iptables-resync'))),
    iptablesForwardRules: parseSwitch('iptables-forward-rules', text('iptables-forward-rules')),
    leaseTtl,
    verbosity: parseNumber('v', text('v')),
  };
}

function parseSwitch(name: string, value: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new UsageError(`invalid boolean value "${value}" for -${name}`);
}

/** An integer with any of Go's prefixes: 60, 0x3c, 0o74, 0b111100, and 074 as octal. */
function parseNumber(name: string, value: string): number {
  const plain = value.replaceAll('_', '').replace(/^([+-]?)0(?=[0-7])/, '$10o');
  const [, sign, digits = ''] = /^([+-]?)(0x[0-9a-f]+|0o[0-7]+|0b[01]+|\d+)$/i.exec(plain) ?? [];
  const number = digits === '' ? Number.NaN : Number(digits);
  if (!Number.isSafeInteger(number)) throw new UsageError(`invalid value "${value}" for -${name}`);
  return sign === '-' ? -number : number;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Seconds, from whole minutes (as upstream has it) or from `90s`, `5m`, `24h`. */
function parseDuration(name: string, value: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)([smh])$/.exec(value) ?? [];
  const seconds = units[unit];
  return seconds === undefined ? parseNumber(name, value) * 60 : Number(amount) * seconds;
}

/** The text of --help. */
export function helpText(): string {
  const shown = Object.entries(table).filter(([, { hidden }]) => !hidden);
  const lines = shown.map(([name, { kind, initial, help }]) => {
    const standard =
      initial && kind !== 'switch' ? ` (default ${initial})` : initial === 'true' ? ' (default true)' : '';
    return `  -${name}${kind === 'switch' ? '' : ` ${kind}`}\n        ${help}${standard}\n`;
  });
  return `Usage: flanneld [flags]\n\nEach flag can be given as FLANNELD_<NAME> in the environment, too.\n\n${lines.join('')}`;
}
