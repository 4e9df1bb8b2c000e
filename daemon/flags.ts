// The one table of flags, from which the parser, --help and the documentation are made.

export type Kind = 'text' | 'list' | 'switch' | 'number' | 'duration';

export interface Flag {
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

export type FlagName = keyof typeof flags;

/** The same, for names that are not known to be flags. */
export const flagTable: Readonly<Record<string, Flag>> = flags;

/** The text of --help. */
export function helpText(): string {
  const shown = Object.entries(flagTable).filter(([, { hidden }]) => !hidden);
  const lines = shown.map(([name, { kind, initial, help }]) => {
    const standard =
      initial && kind !== 'switch' ? ` (default ${initial})` : initial === 'true' ? ' (default true)' : '';
    return `  -${name}${kind === 'switch' ? '' : ` ${kind}`}\n        ${help}${standard}\n`;
  });
  return `Usage: flanneld [flags]\n\nEach flag can be given as FLANNELD_<NAME> in the environment, too.\n\n${lines.join('')}`;
}

/** The flags as a Markdown table, the hidden ones last. */
export function flagsMarkdown(): string {
  const rows = Object.entries(flagTable).map(
    ([name, { initial, help, hidden }]) =>
      `| \`-${name}\` | ${initial ? `\`${initial}\`` : ''} | ${help}${hidden ? ' (for tests; not shown by `-help`)' : ''} |`,
  );
  return ['| flag | default | |', '|---|---|---|', ...rows, ''].join('\n');
}
