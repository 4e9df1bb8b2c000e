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
  /** Taken for the sake of command lines of other versions: what happens when it is set to other than `initial`. */
  readonly foreign?: 'nothing' | 'warning' | 'error';
}

const define =
  <const K extends Kind>(kind: K) =>
  <const More extends Partial<Flag>>(initial: string, help: string, more?: More) => ({
    ...(more as More),
    kind,
    initial,
    help,
  });
const [text, list, toggle] = [define('text'), define('list'), define('switch')];
const [number, duration] = [define('number'), define('duration')];

const kube = 'of Kubernetes mode, which this flanneld does not have';
const klog = 'of the Go logging library';
const networks = 'of multi-network mode (0.7), which is gone: the one network at -etcd-prefix is served';
const remote = 'of client and server mode (0.7), which is gone: leases are kept in etcd, at -etcd-endpoints';

/** All flags; the environment variable of `etcd-prefix` is FLANNELD_ETCD_PREFIX. */
export const flags = {
  'etcd-endpoints': text('http://127.0.0.1:4001,http://127.0.0.1:2379', 'comma-separated etcd endpoints'),
  'etcd-prefix': text('/coreos.com/network', 'where the keys of this network are'),
  'etcd-api': text('auto', 'API of etcd that the cluster keeps its leases in: 2, 3 or auto'),
  'etcd-cafile': text('', 'CA certificate to verify etcd with'),
  'etcd-certfile': text('', 'client certificate to show to etcd'),
  'etcd-keyfile': text('', 'private key of the client certificate'),
  'etcd-username': text('', 'user name for etcd'),
  'etcd-password': text('', 'password for etcd', { secret: true }),
  iface: list(
    '',
    'interface (name or address) towards the other nodes; may be repeated, the first that exists is used',
  ),
  'iface-regex': list('', 'as -iface, by regular expression on name or address; looked at after -iface'),
  'iface-can-reach': text('', 'address that is reached through the interface towards the other nodes'),
  'public-ip': text('', 'address that other nodes reach this one at'),
  'public-ipv6': text('', 'IPv6 address that other nodes reach this one at'),
  'subnet-file': text('/run/flannel/subnet.env', 'file to write the subnet to'),
  'subnet-lease-renew-margin': duration(
    '60',
    'how long before its expiry the lease is renewed: minutes, or a time such as 90s',
  ),
  'ip-masq': toggle('false', 'masquerade what leaves the network'),
  'ip-masq-fully-random-disable': toggle('false', 'masquerade without choosing ports fully at random'),
  'iptables-resync': number('5', 'seconds between checks of the iptables rules'),
  'iptables-forward-rules': toggle('true', 'accept forwarded packets from and to the network'),
  'ip-blackhole-route': toggle('false', 'drop what is sent to addresses of the subnet that no container has'),
  'healthz-ip': text('0.0.0.0', 'address to serve /healthz, /readyz and /metrics on'),
  'healthz-port': number('0', 'port to serve them on; 0 serves nothing'),
  'log-format': text('text', 'text, or json for one object per line'),
  log_dir: text('', 'folder to write the log file flanneld.INFO to'),
  logtostderr: toggle('true', 'log to standard error; with -log_dir, true keeps the file from being written'),
  alsologtostderr: toggle('false', 'log to standard error as well as to the file'),
  stderrthreshold: text(
    'ERROR',
    'with -logtostderr=false, what goes to standard error nonetheless: INFO, WARNING or ERROR',
  ),
  v: number('0', 'log level; 1 and above log details'),
  'subnet-lease-ttl': duration(
    '1440',
    'how long the lease lives without renewal: minutes, or a time such as 20s',
    {
      hidden: true,
    },
  ),
  'udp-offload': text(
    '',
    "what of the kernel's help backend udp uses: tun, segment, gro, or none; all of it when empty",
    {
      hidden: true,
    },
  ),
  version: toggle('false', 'print the version and exit'),
  help: toggle('false', 'print this and exit'),
  vmodule: text('', klog, { foreign: 'nothing' }),
  log_backtrace_at: text('', klog, { foreign: 'nothing' }),
  networks: text('', networks, { foreign: 'warning' }),
  'watch-networks': toggle('false', networks, { foreign: 'warning' }),
  'subnet-dir': text('/run/flannel/networks', networks, { foreign: 'nothing' }),
  listen: text('', remote, { foreign: 'warning' }),
  remote: text('', remote, { foreign: 'warning' }),
  'remote-cafile': text('', remote, { foreign: 'nothing' }),
  'remote-certfile': text('', remote, { foreign: 'nothing' }),
  'remote-keyfile': text('', remote, { foreign: 'nothing' }),
  'kube-subnet-mgr': toggle('false', kube, { foreign: 'error' }),
  'kube-api-url': text('', kube, { foreign: 'nothing' }),
  'kube-annotation-prefix': text('flannel.alpha.coreos.com', kube, { foreign: 'nothing' }),
  'kubeconfig-file': text('', kube, { foreign: 'nothing' }),
  'net-config-path': text('/etc/kube-flannel/net-conf.json', kube, { foreign: 'nothing' }),
  'set-node-network-unavailable': toggle('true', kube, { foreign: 'nothing' }),
} satisfies Record<string, Flag>;

export type FlagName = keyof typeof flags;

/** The same, for names that are not known to be flags. */
export const flagTable: Readonly<Record<string, Flag>> = flags;

const isForeign = ([, { foreign }]: readonly [string, Flag]) => foreign !== undefined;
const [foreign, own] = [
  Object.entries(flagTable).filter(isForeign),
  Object.entries(flagTable).filter(entry => !isForeign(entry)),
];

/** The text of --help. */
export function helpText(): string {
  const lines = own
    .filter(([, { hidden }]) => !hidden)
    .map(([name, { kind, initial, help }]) => {
      const shown = initial && (kind !== 'switch' || initial === 'true') ? ` (default ${initial})` : '';
      return `  -${name}${kind === 'switch' ? '' : ` ${kind}`}\n        ${help}${shown}\n`;
    });
  const others = foreign.map(([name]) => `  -${name}\n`);
  return `Usage: flanneld [flags]

Each flag can be given as FLANNELD_<NAME> in the environment, too.

${lines.join('')}
Accepted, without effect, for command lines of other versions; -kube-subnet-mgr only as false:

${others.join('')}`;
}

const told = {
  nothing: 'no effect',
  warning: 'no effect, a warning says so',
  error: 'anything but the default is an error',
};

/** The flags as a Markdown table: the hidden ones, then those without effect last. */
export function flagsMarkdown(): string {
  const row = (name: string, initial: string, help: string) =>
    `| \`-${name}\` | ${initial ? `\`${initial}\`` : ''} | ${help} |`;
  const rows = own.map(([name, { initial, help, hidden }]) =>
    row(name, initial, `${help}${hidden ? ' (for tests; not shown by `-help`)' : ''}`),
  );
  const others = foreign.map(([name, flag]) =>
    row(name, flag.initial, `${flag.help} (${told[flag.foreign ?? 'nothing']})`),
  );
  return ['| flag | default | |', '|---|---|---|', ...rows, ...others, ''].join('\n');
}
