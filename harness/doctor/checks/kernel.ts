// What the kernel offers and allows: forwarding, modules, cgroups, user namespaces, limits.
import { blocks, type Check, membership, ok, unknown, warning } from '../check.ts';
import { type Facts, type SourceName, textOf, unreadable } from '../facts.ts';

export const forwarding: Check = {
  name: 'ip_forward',
  purposes: ['host'],
  why: 'a host that does not forward keeps its containers to itself; flannel 0.7 leaves turning it on to docker',
  judge: facts => {
    const problem = unreadable(facts, 'ipForward');
    if (problem) return unknown(problem);
    const value = textOf(facts, 'ipForward');
    if (value === '1') return ok('on');
    const fix = 'sysctl -w net.ipv4.ip_forward=1';
    if (value === undefined) return unknown('the kernel says nothing of it', 'sysctl net.ipv4.ip_forward');
    // Somebody turned it off since flanneld turned it on.
    if (facts.answers.subnetEnv.state === 'read')
      return blocks('off, although flanneld has been started', fix);
    return warning('off, until flanneld turns it on', fix);
  },
};

interface Module {
  readonly name: string;
  readonly config: string;
  /** Of backends; undefined: whatever the backend. */
  readonly backends?: readonly string[];
  /** The lab does without it. */
  readonly hostOnly?: boolean;
}

const modules: readonly Module[] = [
  { name: 'bridge', config: 'BRIDGE' },
  { name: 'veth', config: 'VETH' },
  { name: 'nf_tables', config: 'NF_TABLES' },
  { name: 'vxlan', config: 'VXLAN', backends: ['vxlan'] },
  { name: 'tun', config: 'TUN', backends: ['udp'] },
];

/** Undefined: there is nothing to tell it by. */
function hasModule(facts: Facts, { name, config }: Module): boolean | undefined {
  if (name === 'tun' && facts.answers.tunDevice.state === 'read') return true;
  const text = textOf(facts, 'kernelConfig') ?? textOf(facts, 'bootConfig');
  const configured = new RegExp(`^CONFIG_${config}=([ym])$`, 'm').exec(text ?? '')?.[1];
  if (configured === 'y') return true;
  const files = [textOf(facts, 'modulesBuiltin'), textOf(facts, 'modulesDep')];
  const listed = files.some(list => new RegExp(`(^|/)${name}\\.ko`, 'm').test(list ?? ''));
  if (listed) return true;
  // Built as a module, and not there: it is in another package.
  if (files[1] !== undefined || (text !== undefined && configured === undefined)) return false;
  return undefined;
}

/** nft and iptables stand in for each other. */
function hasFilter(facts: Facts): boolean | undefined {
  const legacy = hasModule(facts, { name: 'ip_tables', config: 'IP_NF_IPTABLES' });
  const answered = facts.answers.nft.state === 'read' || facts.answers.iptables.state === 'read';
  return legacy || answered || undefined;
}

export const kernelModules: Check = {
  name: 'modules',
  purposes: ['lab', 'host'],
  why: 'docker0 is a bridge with veths, backend vxlan needs vxlan, udp a tun device, rules a packet filter',
  judge: (facts, purpose) => {
    const { backend } = membership(facts);
    const seen = modules.map(module => {
      const has = hasModule(facts, module);
      return { module, has: module.name === 'nf_tables' && !has ? (hasFilter(facts) ?? has) : has };
    });
    const missing = seen.filter(({ has }) => has === false).map(({ module }) => module);
    const names = (list: readonly Module[]) => list.map(({ name }) => name).join(', ');
    const needed = missing.filter(
      ({ backends }) =>
        !backends || (backend !== undefined && backends.includes(backend)) || purpose === 'lab',
    );
    if (needed.length > 0) return blocks(`the kernel has no ${names(needed)}`, moduleFix(facts, needed));
    if (missing.length > 0) return warning(`the kernel has no ${names(missing)}`, moduleFix(facts, missing));
    const unsure = seen.filter(({ has }) => has === undefined).map(({ module }) => module);
    if (unsure.length > 0)
      return unknown(
        `nothing says whether the kernel has ${names(unsure)}`,
        `modprobe -a ${unsure.map(({ name }) => name).join(' ')}`,
      );
    return ok(`${names(modules)} are there, or can be loaded`);
  },
};

function moduleFix(facts: Facts, missing: readonly Module[]): string {
  const system = textOf(facts, 'osRelease') ?? '';
  if (/^ID=ubuntu$/m.test(system)) return 'apt-get install "linux-modules-extra-$(uname -r)"';
  if (/^ID(_LIKE)?=.*\b(rhel|fedora|centos)\b/m.test(system))
    return 'dnf install "kernel-modules-extra-$(uname -r)"';
  return `boot a kernel with ${missing.map(({ config }) => `CONFIG_${config}`).join(', ')}`;
}

export const cgroups: Check = {
  name: 'cgroups',
  purposes: ['lab', 'host'],
  why: 'dockerd and the systemd of a docker node need their hierarchy mounted',
  judge: facts => {
    const problem = unreadable(facts, 'mounts');
    if (problem) return unknown(problem);
    const mounts = textOf(facts, 'mounts') ?? '';
    if (/ \/sys\/fs\/cgroup [^\n]* - cgroup2 /.test(mounts)) return ok('version 2');
    if (/ - cgroup \S+ \S*\bname=systemd\b/.test(mounts))
      return ok('version 1, with a hierarchy for systemd');
    const fix = 'mount -t cgroup2 none /sys/fs/cgroup';
    if (!/ - cgroup2? /.test(mounts)) return blocks('no cgroup hierarchy is mounted', fix);
    return warning(
      'version 1 without a hierarchy for systemd',
      'mkdir -p /sys/fs/cgroup/systemd && mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd',
    );
  },
};

export const userNamespaces: Check = {
  name: 'user namespaces',
  purposes: ['lab'],
  why: 'without root, driver netns makes its nodes in them',
  judge: facts => {
    const found = restrictions.filter(({ source, refuses }) => textOf(facts, source) === refuses);
    if (facts.isRoot)
      return ok(found.length > 0 ? 'restricted; root needs none' : 'allowed; root needs none');
    const problem = unreadable(facts, ...restrictions.map(({ source }) => source));
    if (found.length === 0) return problem ? unknown(problem) : ok('allowed');
    const saw = found.map(({ sysctl, refuses }) => `${sysctl} is ${refuses}`).join(', ');
    // Another driver may do: whether any does is what decides.
    const fix = found.map(({ sysctl, allows }) => `${sysctl}=${allows}`).join(' ');
    return warning(saw, `sudo sysctl -w ${fix}`);
  },
};

interface Restriction {
  readonly source: SourceName;
  readonly sysctl: string;
  readonly refuses: string;
  readonly allows: string;
}

const restrictions: readonly Restriction[] = [
  {
    source: 'apparmorUserns',
    sysctl: 'kernel.apparmor_restrict_unprivileged_userns',
    refuses: '1',
    allows: '0',
  },
  { source: 'unprivilegedUserns', sysctl: 'kernel.unprivileged_userns_clone', refuses: '0', allows: '1' },
  { source: 'maxUserns', sysctl: 'user.max_user_namespaces', refuses: '0', allows: '10000' },
];

/** A docker node takes 3 inotify instances, as measured; the kernel gives each user 128. */
const least = { instances: 16, watches: 1000, files: 256 } as const;
const good = { instances: 128, watches: 8192, files: 1024 } as const;

export const limits: Check = {
  name: 'limits',
  purposes: ['lab', 'host'],
  why: 'when they are used up, systemd and dockerd say "too many open files", and nodes do not boot',
  judge: facts => {
    const problem = unreadable(facts, 'inotifyInstances', 'inotifyWatches', 'limits');
    if (problem) return unknown(problem);
    const number = (name: SourceName) => Number(textOf(facts, name) ?? Number.NaN);
    const [instances, watches] = [number('inotifyInstances'), number('inotifyWatches')];
    const files = openFiles(textOf(facts, 'limits') ?? '');
    const saw = `${instances} inotify instances, ${watches} watches, ${files} open files`;
    if ([instances, watches, files].some(Number.isNaN)) return unknown(saw);
    const seen = [
      { name: 'instances', value: instances, fix: 'sysctl -w fs.inotify.max_user_instances=1024' },
      { name: 'watches', value: watches, fix: 'sysctl -w fs.inotify.max_user_watches=524288' },
      { name: 'files', value: files, fix: 'ulimit -n 65536' },
    ] as const;
    const few = seen.find(({ name, value }) => value < least[name]);
    const little = seen.find(({ name, value }) => value < good[name]);
    if (few) return blocks(saw, few.fix);
    return little ? warning(saw, little.fix) : ok(saw);
  },
};

function openFiles(limits: string): number {
  const text = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text ?? Number.NaN);
}
