// What a driver gives a cluster: an underlay with etcd on it, nodes that run a daemon and docker, workloads behind docker0.
import type { Argv, Runner } from '../../lib/run.ts';
import type { EtcdState } from './etcd-seats.ts';

export type DriverName = 'netns' | 'docker';

/** Something that keeps a driver from running here, and the command that mends it. */
export interface Problem {
  readonly what: string;
  readonly fix: string;
}

/** Whose a cluster is. Everything a driver makes carries this, so that `gc` removes only what is dead. */
export interface Owner {
  /** Name of the cluster; unique on this machine among all drivers. `[a-z0-9-]`, at most 24 characters. */
  readonly cluster: string;
  /** The process that made it, and that process's start time (field 22 of /proc/<pid>/stat): together never reused. */
  readonly pid: number;
  readonly startTime: string;
  /** True for `lab up`: the cluster outlives its maker until `lab down`. */
  readonly keep: boolean;
}

export interface SitePlan {
  readonly owner: Owner;
  /** MTU of the underlay in bytes. */
  readonly mtu: number;
  /** Members of etcd: an odd number, so that losing the smaller half leaves a quorum. */
  readonly etcdMembers: number;
}

/** The program under test, as files on this machine. */
export interface DaemonProgram {
  /** As the user named it: `ts`, `release`, `bin:/usr/local/bin/flanneld`. */
  readonly ref: string;
  /** An executable named `flanneld`, or anything: nodes get it as /opt/flannel/flanneld. */
  readonly flanneld: string;
  /** Nodes get it as /opt/flannel/mk-docker-opts. */
  readonly mkDockerOpts: string;
  /** Further files that must lie beside flanneld, under their own base names. */
  readonly beside: readonly string[];
  /** All of it, with units and all, as it is handed out. */
  readonly tarball?: string;
}

export interface NodePlan {
  readonly name: string;
  readonly daemon: DaemonProgram;
  /** Flags of the daemon, complete: endpoints, interface, subnet file. */
  readonly flags: readonly string[];
  /** Whether docker runs on the node and takes its options from mk-docker-opts. */
  readonly docker: boolean;
  /**
   * A host as its distribution has it, whose docker makes a docker0 of its own; what is to be installed lies in /root: the
   * tarball of a release, or flanneld and mk-docker-opts.sh. Docker driver only.
   */
  readonly bare?: boolean;
}

export interface Driver {
  readonly name: DriverName;
  /** Empty means ready. Cheap enough to be asked before every run; changes nothing. */
  preflight(): Promise<readonly Problem[]>;
  /** Underlay and etcd. etcd may still be starting when this resolves. Rejecting or aborted, it leaves nothing. */
  create(plan: SitePlan, signal: AbortSignal): Promise<Site>;
  /** The same site from another process: `data` is what {@link Site.data} returned there. */
  attach(owner: Owner, data: SiteData): Promise<Site>;
  /** Every site of this driver that still has something on this machine, whoever made it. */
  survivors(): Promise<readonly Survivor[]>;
}

/** JSON, meaningful to its driver only. */
export type SiteData = Readonly<Record<string, unknown>>;

export interface Survivor {
  readonly owner: Owner;
  /** For people: `3 containers, 1 network`. */
  readonly what: string;
  /** Ids, names and subnets that nothing else on this machine has: what carries one after the removal is a leak. */
  marks(): readonly string[];
  /** Removes all of it; succeeds when it is gone already. */
  remove(): Promise<void>;
}

export interface Site extends AsyncDisposable {
  readonly driver: DriverName;
  readonly owner: Owner;
  /** The members of etcd, in the order of their numbers. */
  readonly etcd: readonly EtcdMember[];
  /** In order of creation. */
  readonly nodes: readonly NodeHandle[];
  /** Boots a node; its daemon is not started yet. Several may be added at the same time. */
  addNode(plan: NodePlan, signal: AbortSignal): Promise<NodeHandle>;
  /** What {@link Driver.attach} needs to find this site and its nodes and workloads again. */
  data(): SiteData;
  /** Removes everything. Idempotent; tolerates what is gone; ignores `keep`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A process of the site's etcd, which may be all of it. As a {@link Runner} it runs commands where that is, etcdctl too. */
export interface EtcdMember extends Runner {
  /** `etcd` where it is the only one, else `etcd1`, `etcd2`, … */
  readonly name: string;
  /** Client URL as the nodes reach it: `http://192.168.77.2:2379`. */
  readonly endpoint: string;
  /** By which the other members know it. */
  readonly peerUrl: string;
  /** What the harness itself dials: a URL, or `unix:/path/to/socket`. */
  readonly host: string;
  /** Also while it is paused. */
  isRunning(): Promise<boolean>;
  /** Ends it at once, as a crash does; its data stays. No effect when it does not run. */
  stop(): Promise<void>;
  /** Only while it is stopped. It may still be starting when this resolves. `state`: how it begins without data; default new. */
  start(state?: EtcdState): Promise<void>;
  /** Connections stay open and nothing is answered, until {@link resume}. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Removes its data; only while it is stopped. */
  wipe(): Promise<void>;
  /** Takes it off the underlay, away from nodes and other members; it runs on. Only where there are several. */
  unplug(): Promise<void>;
  /** Back on the underlay with its address. */
  plug(): Promise<void>;
  /** All it has printed, oldest line first. */
  logs(): Promise<string>;
}

/** Somewhere commands can be run, by us or by a person. */
export interface Place extends Runner {
  /** The command line on this machine that runs `argv` there on our own stdin, stdout and stderr; `tty` for a person. */
  commandLine(argv: Argv, options: { readonly tty: boolean }): Argv;
}

/** A node. As a {@link Runner} it runs commands as root in the node's namespaces, with the node's /run. */
export interface NodeHandle extends Place, AsyncDisposable {
  readonly name: string;
  /** Its address on the underlay, which is on `eth0`. */
  readonly address: string;
  readonly plan: NodePlan;
  readonly daemon: DaemonControl;
  readonly workloads: readonly WorkloadHandle[];
  /** Takes `eth0` away, with everything the kernel has on it. */
  unplug(): Promise<void>;
  /** A new `eth0` with the address and default route of the former one. */
  plug(): Promise<void>;
  /** Off at once: processes, devices, rules and /run are gone, commands reject with NodeOff. Its disk stays. */
  crash(): Promise<void>;
  /** After {@link crash}: eth0 and what starts at boot. Neither the daemon nor any workload runs yet. */
  boot(signal: AbortSignal): Promise<void>;
  /** Resolves when docker0 stands, made from the options that mk-docker-opts wrote to /run/flannel/docker.env. */
  dockerReady(signal: AbortSignal): Promise<void>;
  /** A container behind docker0, in the place of a former one of that name; needs {@link dockerReady}. */
  startWorkload(name: string, signal: AbortSignal): Promise<WorkloadHandle>;
}

export interface DaemonControl {
  /** Started, not yet ready: readiness is /run/flannel/subnet.env. No effect when it runs already. */
  start(): Promise<void>;
  /** SIGTERM, then wait for the end; resolves with the exit code. */
  stop(): Promise<number>;
  /** Ends it with the signal (not waiting for readiness afterwards) and has it started again, as its supervisor would. */
  restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** SIGKILL, and no supervisor starts it again; resolves when it has ended. */
  kill(): Promise<void>;
  /** Whenever it is started from now on, by whomever, so many seconds pass before it begins; 0 as usual. */
  delayStart(seconds: number): Promise<void>;
  /** In seconds; 0 as usual. */
  startDelay(): Promise<number>;
  state(): Promise<DaemonState>;
  /** When SIGTERM was last sent to it, by {@link stop} or {@link restart}; milliseconds since the epoch. */
  readonly toldToEnd: number | undefined;
  /** All it has printed, oldest line first. */
  logs(): Promise<string>;
  /** What one on the node itself follows it by. */
  readonly trail: DaemonTrail;
}

export interface DaemonTrail {
  /** Files of which the first that exists names the processes it runs, its own the lowest; there may be dead ones. */
  readonly pids: readonly string[];
  /** Prints its log from the beginning, and goes on as it grows. */
  readonly log: Argv;
}

export interface DaemonState {
  readonly running: boolean;
  /** As seen inside the node; undefined unless running. */
  readonly pid?: number;
  /** Of the last run; undefined while running or when never started. */
  readonly exitCode?: number;
}

/** A container. As a {@link Runner} it runs the node's own programs (ping, nft, ip) in the container's network namespace. */
export interface WorkloadHandle extends Place {
  /** `node1/a`. */
  readonly name: string;
  /** IPv4 address behind docker0. */
  readonly address: string;
  /** The words before a command on its node that has to run in its network. */
  readonly enter: Argv;
}
