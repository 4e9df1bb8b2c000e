// From flannel's variables to dockerd's options, byte for byte as upstream's mk-docker-opts.sh writes them.

import { formatCidr, parseCidr } from '../../lib/ip.ts';

export interface DockerOptsChoice {
  /** One DOCKER_OPT_… line per option. */
  readonly individual: boolean;
  /** One line with all options. */
  readonly combined: boolean;
  /** Name of the combined variable. */
  readonly key: string;
  /** False leaves --ip-masq out. */
  readonly ipMasq: boolean;
  /** True adds the options for IPv6, which upstream's script has not. */
  readonly ipv6: boolean;
}

export type Variables = ReadonlyMap<string, string>;

/** The text to write, or what is wrong with a variable. `variables` is the environment overlaid with the file. */
export function dockerOpts(
  variables: Variables,
  { individual, combined, key, ipMasq, ipv6 }: DockerOptsChoice,
): { readonly text: string } | { readonly problem: string } {
  if (!/^[A-Za-z_]\w*$/.test(key)) return { problem: `${key || '""'} is not the name of a variable` };
  const options = new Map([...variables].filter(([name]) => name.includes('DOCKER_OPT_')));
  const made: string[] = [];
  const set = (name: string, value: string | undefined) => {
    if (!value) return;
    options.set(`DOCKER_OPT_${name}`, value);
    made.push(value);
  };
  const subnet = variables.get('FLANNEL_SUBNET');
  const subnet6 = ipv6 ? parseCidr(variables.get('FLANNEL_IPV6_SUBNET') ?? '') : undefined;
  const mtu = variables.get('FLANNEL_MTU');
  const masq = variables.get('FLANNEL_IPMASQ');
  set('BIP', subnet && `--bip=${subnet}`);
  set('FIXED_CIDR_V6', subnet6 && `--fixed-cidr-v6=${formatCidr(subnet6)}`);
  set('IPV6', subnet6 && '--ipv6');
  set('MTU', mtu && `--mtu=${mtu}`);
  if (masq && ipMasq) {
    if (masq !== 'true' && masq !== 'false') return { problem: `Invalid value of FLANNEL_IPMASQ: ${masq}` };
    // Only one of flannel and docker masquerades.
    set('IPMASQ', `--ip-masq=${masq === 'false'}`);
  }
  const sorted = [...options].sort(([a], [b]) => (a < b ? -1 : 1));
  const before = without(made, variables.get(key) ?? '');
  const all = [before ? `${before} ` : '', ...sorted.map(([, value]) => value)].join(' ');
  const lines = [
    ...(individual ? sorted.map(([name, value]) => `${name}="${value}"\n`) : []),
    ...(combined ? [`${key}="${all}"\n`] : []),
  ];
  return { text: lines.join('') };
}

/**
 * `options` without those that are `made` anew. What we wrote before comes back when a unit reads our file into its own
 * environment, and would make the line longer at each start; dockerd goes by the last of several anyway.
 */
function without(made: readonly string[], options: string): string {
  const names = made.map(option => option.replace(/=.*/s, ''));
  const words = options.split(/(\s+)/);
  const isOurs = (word: string) => names.some(name => word === name || word.startsWith(`${name}=`));
  if (!words.some(isOurs)) return options;
  return words
    .map((word, at) => (isOurs(word) || isOurs(words[at + 1] ?? '') ? '' : word))
    .join('')
    .trim();
}
