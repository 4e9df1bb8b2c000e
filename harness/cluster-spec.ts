// What a cluster is, as data: defaults, names, and the refusal of what cannot be.
import { UsageError } from '../lib/errors.ts';
import type { DriverName } from './drivers/driver.ts';

export interface ClusterSpec {
  /** Unique on this machine; `[a-z0-9-]`, at most 24 characters. */
  readonly name: string;
  readonly driver: DriverName;
  /** Nodes at the start, named node1, node2, … */
  readonly nodes: number;
  /** The network configuration, as it is written to `<prefix>/config`. */
  readonly config: NetworkConfig;
  /** Daemon reference of each node (`ts`, `release`, `release:<path>`, `bin:<path>`); `default` for those not named. */
  readonly daemons: Readonly<Record<string, string>> & { readonly default: string };
  /** Flags for every daemon, after those the lab sets itself. */
  readonly flags: readonly string[];
  /** Flags for one node's daemon, by node, after those for all. */
  readonly nodeFlags: Readonly<Record<string, readonly string[]>>;
  /** Whether nodes run docker and one container each; without it a node is a daemon and nothing else. */
  readonly docker: boolean;
  /** Hosts on which nothing of flannel is installed, and an etcd without a configuration: the scenario does the rest. */
  readonly bare: boolean;
  /** MTU of the underlay in bytes. */
  readonly mtu: number;
  readonly etcdPrefix: string;
  /** Where the configuration is written, and leases are looked for. */
  readonly etcdApi: 2 | 3;
  /** 1, 3 or 5: a cluster of three goes on when it loses one, a cluster of five when it loses two. */
  readonly etcdMembers: number;
  /** Whether the last packets of each node's uplink are kept for the evidence; costs some tenths of a second. */
  readonly capture: boolean;
  /** The cluster outlives the process that made it. */
  readonly keep: boolean;
}

/** Only what the lab itself looks at; everything else passes through to the daemons. */
export interface NetworkConfig {
  readonly Network: string;
  readonly Backend: { readonly Type: string } & Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

export type SpecInput = Partial<Omit<ClusterSpec, 'daemons' | 'config'>> & {
  readonly driver: DriverName;
  /** Backend type; `config` may say more. Default vxlan. */
  readonly backend?: string | undefined;
  readonly config?: ConfigInput | undefined;
  readonly daemons?: Readonly<Record<string, string>> | undefined;
};

/** What it says of the backend is added to the backend's type. */
export interface ConfigInput {
  readonly Backend?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

export function clusterSpec({ backend, config, daemons, ...input }: SpecInput): ClusterSpec {
  const spec: ClusterSpec = {
    name: 'lab',
    nodes: 3,
    flags: [],
    nodeFlags: {},
    docker: true,
    bare: false,
    mtu: 1500,
    etcdPrefix: '/coreos.com/network',
    etcdApi: 3,
    etcdMembers: 1,
    capture: false,
    keep: false,
    ...input,
    config: {
      Network: '10.5.0.0/16',
      ...config,
      Backend: { Type: backend ?? 'vxlan', ...config?.Backend },
    },
    daemons: { default: 'ts', ...daemons },
  };
  validate(spec);
  return spec;
}

export function nodeName(index: number): string {
  return `node${index + 1}`;
}

function validate({ name, driver, nodes, bare, mtu, etcdMembers }: ClusterSpec): void {
  if (!/^[a-z0-9][a-z0-9-]{0,23}$/.test(name)) {
    throw new UsageError(`${JSON.stringify(name)} cannot name a cluster`, {
      hint: 'use at most 24 of a-z, 0-9 and -, the first not a -',
    });
  }
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 50) {
    throw new UsageError(`a cluster of ${nodes} nodes cannot be made`, { hint: 'use 1 to 50 nodes' });
  }
  if (!Number.isInteger(mtu) || mtu < 1280 || mtu > 9216) {
    throw new UsageError(`an underlay MTU of ${mtu} cannot be made`, { hint: 'use 1280 to 9216 bytes' });
  }
  if (bare && driver !== 'docker') {
    throw new UsageError(`a bare node of driver ${driver} is not made: it has no disk to install to`, {
      hint: "use the driver docker: onEveryPlatform({ drivers: ['docker'] }, …)",
    });
  }
  if (![1, 3, 5].includes(etcdMembers)) {
    throw new UsageError(`an etcd of ${etcdMembers} members is not made`, {
      hint: 'use 1, 3 or 5: an even number tolerates no more losses than one less',
    });
  }
}
