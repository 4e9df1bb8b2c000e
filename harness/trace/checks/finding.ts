// Something on a path that is not as it should be, and the hops on which it makes packets vanish.
import { type Hop, hopNode, hopText, type Path } from '../path.ts';

export type Cause =
  | 'no-default-route'
  | 'wrong-gateway'
  | 'no-lease'
  | 'docker0-mismatch'
  | 'device-missing'
  | 'device-down'
  | 'pump-dead'
  | 'wrong-vni'
  | 'wrong-port'
  | 'wrong-key'
  | 'no-peer'
  | 'no-allowed-ip'
  | 'wrong-endpoint'
  | 'no-handshake'
  | 'ip-forward-off'
  | 'rp-filter'
  | 'no-route'
  | 'wrong-route'
  | 'no-neighbour'
  | 'stale-neighbour'
  | 'stale-mac'
  | 'no-fdb'
  | 'wrong-fdb'
  | 'forward-drop'
  | 'filter-drop'
  | 'ipsec-drop'
  | 'queue-drop'
  | 'bad-address'
  | 'kernel-drop'
  | 'mtu-blackhole'
  | 'underlay-partition'
  | 'masquerade'
  | 'unexplained';

export interface Finding {
  readonly node: string;
  /** Where `show` is to be run: the node, or a container of it. */
  readonly place: string;
  /** `between eth0 and docker0`. */
  readonly hop: string;
  readonly cause: Cause;
  /** In plain words, with the values. */
  readonly text: string;
  /** The command that shows it. */
  readonly show: string;
  /** First and last hop on which a packet may vanish because of it. */
  readonly vanishes: readonly [Hop, Hop];
  /** Only packets of the size of docker0's MTU do. */
  readonly large?: true;
  /** Only where packets are seen to enter forwarding and not to leave it: others may let them pass. */
  readonly filter?: true;
  /** Usual where nothing has been sent for a while: a finding only where packets are lost. */
  readonly harmless?: true;
}

/** What is wrong on one direction of a path; pure. */
export type Check = (path: Path) => readonly Finding[];

type Told = Pick<Finding, 'cause' | 'text' | 'show'> &
  Partial<Pick<Finding, 'node' | 'place' | 'vanishes' | 'large' | 'filter' | 'harmless'>>;

/** A finding on a hop; it is the hop's first node that is to blame, and the hop where packets vanish, unless told. */
export function at(path: Path, hop: Hop, told: Told): Finding {
  const node = told.node ?? hopNode(path, hop);
  return { node, place: node, hop: hopText(path, hop), vanishes: [hop, hop], ...told };
}
