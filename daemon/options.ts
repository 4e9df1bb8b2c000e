// What the command line and the environment ask for, checked and in the daemon's own terms.
import { isIP } from 'node:net';
import { UsageError } from '../lib/errors.ts';
import { type ByFamily, byFamily, canonicalIp, families, parseIp } from '../lib/ip.ts';
import { type Given, readFlags, withEnvironment } from './command-line.ts';
import { etcdOf } from './etcd-options.ts';
import { parseSwitch } from './flag-values.ts';
import { flagTable } from './flags.ts';
import { type LogChoice, logOf } from './log-choice.ts';
import { type Settings, settingsOf } from './settings.ts';
import type { Help } from './udp/messages.ts';

export interface Options {
  readonly etcdEndpoints: readonly string[];
  readonly etcdPrefix: string;
  readonly etcdApi: '2' | '3' | 'auto';
  readonly etcdCafile: string;
  readonly etcdCertfile: string;
  readonly etcdKeyfile: string;
  readonly etcdUsername: string;
  readonly etcdPassword: string;
  readonly iface: readonly string[];
  readonly ifaceRegex: readonly string[];
  /** An address of either family; undefined when not asked for, as below. */
  readonly ifaceCanReach: string | undefined;
  /** -public-ip and -public-ipv6 as canonical text. */
  readonly publicIps: ByFamily<string>;
  readonly subnetFile: string;
  /** Seconds. */
  readonly renewMargin: number;
  readonly ipMasq: boolean;
  readonly ipMasqFullyRandomDisable: boolean;
  /** Seconds. */
  readonly iptablesResync: number;
  readonly iptablesForwardRules: boolean;
  readonly ipBlackholeRoute: boolean;
  /** Where /healthz is served; undefined when nowhere. */
  readonly health: { readonly ip: string; readonly port: number } | undefined;
  readonly log: LogChoice;
  /** Seconds. */
  readonly leaseTtl: number;
  readonly udpHelp: Help;
}

export type Command =
  | {
      readonly kind: 'run';
      readonly options: Options;
      /** What the user should know about what was given. */
      readonly warnings: readonly string[];
    }
  | { readonly kind: 'help' | 'version' };

/** Throws UsageError. As upstream, -help and -version are settled before the environment is looked at. */
export function parseOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const { given, ignored } = readFlags(args);
  if (settingsOf(given).toggle('help')) return { kind: 'help' };
  if (settingsOf(given).toggle('version')) return { kind: 'version' };
  const all = withEnvironment(given, env);
  const warnings = foreignWarnings(all);
  if (ignored.length > 0) warnings.push(`ignoring what follows the flags: ${ignored.join(' ')}`);
  return { kind: 'run', options: toOptions(all), warnings };
}

function toOptions(given: ReadonlyMap<string, Given>): Options {
  const settings = settingsOf(given);
  const { text, list, toggle, checked } = settings;
  return {
    ...etcdOf(settings),
    etcdPrefix: text('etcd-prefix'),
    etcdApi: settings.choice('etcd-api', ['2', '3', 'auto']),
    etcdCafile: text('etcd-cafile'),
    etcdCertfile: text('etcd-certfile'),
    etcdKeyfile: text('etcd-keyfile'),
    iface: list('iface'),
    ifaceRegex: list('iface-regex'),
    ifaceCanReach: checked('iface-can-reach', value => isIP(value) !== 0, 'an IP address'),
    publicIps: publicIpsOf(settings),
    udpHelp: udpHelpOf(settings),
    subnetFile: text('subnet-file'),
    ...leaseTimes(settings),
    ipMasq: toggle('ip-masq'),
    ipMasqFullyRandomDisable: toggle('ip-masq-fully-random-disable'),
    iptablesResync: Math.max(1, settings.number('iptables-resync')),
    iptablesForwardRules: toggle('iptables-forward-rules'),
    ipBlackholeRoute: toggle('ip-blackhole-route'),
    health: healthOf(settings),
    log: logOf(settings, given.has('logtostderr')),
  };
}

function udpHelpOf({ checked }: Settings): Help {
  const names = { tun: 'tun', segment: 'segments', gro: 'joins' } as const;
  const given = checked(
    'udp-offload',
    value => value === '' || value === 'none' || value.split(',').every(name => Object.hasOwn(names, name)),
    'none, or some of tun, segment and gro with commas between them',
  );
  const has = (name: string) => !given || given.split(',').includes(name);
  return { tun: has('tun'), segments: has('segment'), joins: has('gro') };
}

function publicIpsOf({ checked }: Settings): ByFamily<string> {
  return byFamily(families, family => {
    const flag = family === 4 ? 'public-ip' : 'public-ipv6';
    const text = checked(flag, value => parseIp(value)?.family === family, `an IPv${family} address`);
    return canonicalIp(text ?? '');
  });
}

function leaseTimes({ duration, text, source }: Settings) {
  const renewMargin = duration('subnet-lease-renew-margin');
  const leaseTtl = duration('subnet-lease-ttl');
  if (renewMargin <= 0 || renewMargin >= leaseTtl)
    throw new UsageError(
      `${source('subnet-lease-renew-margin')} ${text('subnet-lease-renew-margin')} is out of range: more than 0 and less than the lease's ${leaseTtl / 60} minutes`,
    );
  return { renewMargin, leaseTtl };
}

function healthOf({ number, checked, source }: Settings): Options['health'] {
  const port = number('healthz-port');
  if (port < 0 || port > 65_535) throw new UsageError(`${source('healthz-port')} ${port} is not a port`);
  const ip = checked('healthz-ip', value => isIP(value) !== 0, 'an IP address') ?? '0.0.0.0';
  return port === 0 ? undefined : { ip, port };
}

/** Of modes that are gone; throws a UsageError where running without the mode would be wrong. */
function foreignWarnings(given: ReadonlyMap<string, Given>): string[] {
  const warnings: string[] = [];
  for (const [name, { source, values }] of given) {
    const flag = flagTable[name];
    if (!flag?.foreign || flag.foreign === 'nothing') continue;
    const value = values.at(-1) ?? '';
    const asInitial =
      flag.kind === 'switch' ? String(parseSwitch(source, value)) === flag.initial : value === flag.initial;
    if (asInitial) continue;
    if (flag.foreign === 'error')
      throw new UsageError(`${source} ${value} is ${flag.help}`, {
        hint: 'it keeps leases in etcd only: leave the flag out and give -etcd-endpoints',
      });
    warnings.push(`${source} has no effect: it is ${flag.help}`);
  }
  return warnings;
}
