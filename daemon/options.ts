// The command line and the FLANNELD_* environment, read as Go's flag package reads them.
import { nearest, UsageError } from '../lib/errors.ts';
import { parseIp4 } from '../lib/ip.ts';
import { type FlagName, flags, flagTable } from './flags.ts';

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
  for (const name of Object.keys(flagTable)) {
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
    const known = Object.hasOwn(flagTable, name) ? flagTable[name] : undefined;
    if (!known) throw unknownFlag(name);
    const value = inline ?? (known.kind === 'switch' ? 'true' : args[++at]);
    if (value === undefined) throw new UsageError(`flag needs an argument: -${name}`);
    given.set(name, [...(given.get(name) ?? []), value]);
  }
  return { given, ignored: [] };
}

function unknownFlag(name: string): UsageError {
  const near = nearest(name, Object.keys(flagTable));
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
