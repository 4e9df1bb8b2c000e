// What `lab doctor` asks of this machine: one table of files and commands, and what they may answer.
import { release } from 'node:os';

/** What a file holds or a command prints. */
export type Answer =
  | { readonly state: 'read'; readonly text: string }
  /** No such file, or no such program. */
  | { readonly state: 'absent' }
  | { readonly state: 'unreadable'; readonly why: string };

export interface Source {
  /** What is read; of a folder or a device only whether it is there. */
  readonly file?: string;
  /** Changes nothing. */
  readonly command?: readonly [string, ...string[]];
}

const file = (path: string): Source => ({ file: path });
const command = (...words: readonly [string, ...string[]]): Source => ({ command: words });
const modules = `/lib/modules/${release()}`;

export const sources = {
  ipForward: file('/proc/sys/net/ipv4/ip_forward'),
  bridgeNf: file('/proc/sys/net/bridge/bridge-nf-call-iptables'),
  kubelet: file('/var/lib/kubelet'),
  selinux: file('/sys/fs/selinux/enforce'),
  mounts: file('/proc/self/mountinfo'),
  apparmorUserns: file('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
  unprivilegedUserns: file('/proc/sys/kernel/unprivileged_userns_clone'),
  maxUserns: file('/proc/sys/user/max_user_namespaces'),
  inotifyInstances: file('/proc/sys/fs/inotify/max_user_instances'),
  inotifyWatches: file('/proc/sys/fs/inotify/max_user_watches'),
  limits: file('/proc/self/limits'),
  osRelease: file('/etc/os-release'),
  modulesBuiltin: file(`${modules}/modules.builtin`),
  modulesDep: file(`${modules}/modules.dep`),
  kernelConfig: command('zcat', '/proc/config.gz'),
  bootConfig: file(`/boot/config-${release()}`),
  tunDevice: file('/dev/net/tun'),
  dockerConfig: file('/etc/docker/daemon.json'),
  subnetEnv: file('/run/flannel/subnet.env'),
  ufw: file('/etc/ufw/ufw.conf'),
  firewalld: command('firewall-cmd', '--state'),
  // Without a table's name: naming one makes the legacy programs load it.
  iptables: command('iptables-save'),
  iptablesLegacy: command('iptables-legacy-save'),
  nft: command('nft', '-j', 'list', 'ruleset'),
  networkManager: command('nmcli', '-t', '-f', 'RUNNING', 'general'),
  networkManagerConfig: command('NetworkManager', '--print-config'),
  routes: command('ip', '-j', '-4', 'route'),
} as const satisfies Readonly<Record<string, Source>>;

export type SourceName = keyof typeof sources;

/** What one endpoint of etcd answered to `GET /version`. */
export interface EndpointFacts {
  readonly url: string;
  readonly answer: Answer;
  /** Seconds by which its clock is ahead of this one, and by which that may be wrong; undefined: it told no time. */
  readonly ahead?: { readonly seconds: number; readonly give: number } | undefined;
}

export interface Facts {
  readonly answers: Readonly<Record<SourceName, Answer>>;
  readonly isRoot: boolean;
  /** Empty unless endpoints were given. */
  readonly etcd: readonly EndpointFacts[];
  /** The cluster's configuration in etcd, as text; absent where none was found. */
  readonly config: Answer;
}

/** What the file or command said, without blanks around it; undefined when it said nothing. */
export function textOf(facts: Facts, name: SourceName): string | undefined {
  const answer = facts.answers[name];
  return answer.state === 'read' ? answer.text.trim() : undefined;
}

/** Why these cannot be judged: `nft -j list ruleset: Operation not permitted`; undefined when all were read or are absent. */
export function unreadable(facts: Facts, ...names: readonly SourceName[]): string | undefined {
  for (const name of names) {
    const answer = facts.answers[name];
    if (answer.state === 'unreadable') return `${sourceText(name)}: ${answer.why}`;
  }
  return undefined;
}

export function sourceText(name: SourceName): string {
  const source: Source = sources[name];
  return source.file ?? source.command?.join(' ') ?? name;
}
