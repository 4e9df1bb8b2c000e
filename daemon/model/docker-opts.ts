// From flannel's variables to dockerd's options, byte for byte as upstream's mk-docker-opts.sh writes them.

export interface DockerOptsChoice {
  /** One DOCKER_OPT_… line per option. */
  readonly individual: boolean;
  /** One line with all options. */
  readonly combined: boolean;
  /** Name of the combined variable. */
  readonly key: string;
  /** False leaves --ip-masq out. */
  readonly ipMasq: boolean;
}

export type Variables = ReadonlyMap<string, string>;

/** The text to write, or what is wrong with a variable. `variables` is the environment overlaid with the file. */
export function dockerOpts(
  variables: Variables,
  { individual, combined, key, ipMasq }: DockerOptsChoice,
): { readonly text: string } | { readonly problem: string } {
  const options = new Map([...variables].filter(([name]) => name.includes('DOCKER_OPT_')));
  const set = (name: string, value: string | undefined) => value && options.set(`DOCKER_OPT_${name}`, value);
  const subnet = variables.get('FLANNEL_SUBNET');
  const mtu = variables.get('FLANNEL_MTU');
  const masq = variables.get('FLANNEL_IPMASQ');
  set('BIP', subnet && `--bip=${subnet}`);
  set('MTU', mtu && `--mtu=${mtu}`);
  if (masq && ipMasq) {
    if (masq !== 'true' && masq !== 'false') return { problem: `Invalid value of FLANNEL_IPMASQ: ${masq}` };
    // Only one of flannel and docker masquerades.
    set('IPMASQ', `--ip-masq=${masq === 'false'}`);
  }
  const sorted = [...options].sort(([a], [b]) => (a < b ? -1 : 1));
  const before = variables.get(key);
  const all = [before ? `${before} ` : '', ...sorted.map(([, value]) => value)].join(' ');
  const lines = [
    ...(individual ? sorted.map(([name, value]) => `${name}="${value}"\n`) : []),
    ...(combined ? [`${key}="${all}"\n`] : []),
  ];
  return { text: lines.join('') };
}
