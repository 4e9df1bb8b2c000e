// What must hold all the time: names, what each says, how long it may not hold, and whether a fault excuses that.

export const invariants = {
  'unique-subnets': {
    says: 'no two daemons use addresses in common, and no two leases have any',
    excusable: false,
    // A daemon that starts finds the file of its former run, and takes up to this long to replace it.
    settle: 2000,
  },
  'one-subnet': {
    says: 'subnet.env and docker0 of a node are a subnet that is leased',
    excusable: true,
    settle: 5000,
  },
  'record-tells-device': {
    says: "a node's record in etcd has an address of the node, its backend and the MAC of its device",
    excusable: true,
    settle: 5000,
  },
  'overlay-matches-leases': {
    says: 'routes, neighbours and forwarding entries are those of the leases of others, and no more',
    excusable: true,
    settle: 5000,
  },
  'containers-reach-each-other': {
    says: 'each container reaches each other one, with its own source address',
    excusable: true,
    settle: 5000,
  },
  'subnet-file-whole': {
    says: 'subnet.env is complete whenever it exists',
    excusable: false,
    settle: 0,
  },
  'bounded-usage': {
    says: 'processor, memory, open files and log lines of a daemon stay within its budget',
    excusable: false,
    settle: 0,
  },
  'clean-log': {
    says: 'no daemon logs a panic, a stack trace, an unhandled error or a secret',
    excusable: false,
    settle: 0,
  },
  'exit-codes': {
    says: 'a daemon that ends does so with 0, 1 or 2, or is killed; after SIGTERM with 0, within three seconds',
    excusable: false,
    settle: 0,
  },
  'rules-once': {
    says: 'each packet filter rule of flannel is there once, and none is of another subnet',
    excusable: false,
    settle: 5000,
  },
  'rules-in-order': {
    says: "flannel's packet filter rules are in their order, and reached before what may drop",
    excusable: true,
    // Daemons look at rules every few seconds; nobody announces who inserts one.
    settle: 10_000,
  },
  'leases-renewed': {
    says: 'a lease is renewed before its renew margin is used up',
    excusable: true,
    settle: 0,
  },
} as const satisfies Readonly<Record<string, Invariant>>;

export interface Invariant {
  /** What holds, as a sentence. */
  readonly says: string;
  /**
   * Whether a fault, and {@link recovery} after it, excuses that it does not hold. What nothing excuses is what a daemon
   * must never do, whatever happens around it.
   */
  readonly excusable: boolean;
  /**
   * Milliseconds that it may not hold at a stretch: 5 s, which is what a daemon that hears of everything has to
   * converge, on a busy machine too.
   */
  readonly settle: number;
}

export type InvariantName = keyof typeof invariants;

/** Milliseconds after which wireguard tries a handshake again that got lost: REKEY_TIMEOUT of its protocol, and its jitter. */
const handshakeAgain = 5334;

/** Milliseconds that it may not hold at a stretch with that backend: a peer greets one that does not know it yet. */
export function settleTime(name: InvariantName, backend: string): number {
  const { settle } = invariants[name];
  const shakesHands = name === 'containers-reach-each-other' && backend === 'wireguard';
  return shakesHands ? settle + handshakeAgain : settle;
}

/**
 * Milliseconds after a fault is healed, or something is done to the cluster at once, that excuse what is excusable:
 * what nobody announces is found by looking now and then, and daemons look every ten seconds or so.
 */
export const recovery = 15_000;

/** Something that is not as an invariant has it. */
export interface Problem {
  readonly invariant: InvariantName;
  /** Undefined where it is nobody's alone. */
  readonly node?: string | undefined;
  /** For people, and the evidence: `node1 lacks route 10.5.3.0/24 via 10.5.3.0 dev flannel.1 onlink`. */
  readonly what: string;
}
