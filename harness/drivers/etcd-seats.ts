// The members of a site's etcd as data: their names, and what each is told of the others; pure.

/** Where a member is, and under which name the others know it. */
export interface EtcdSeat {
  /** `etcd` where it is the only one, else `etcd1`, `etcd2`, … */
  readonly name: string;
  /** On the underlay. */
  readonly address: string;
}

/** How a member without data begins: with all others, or as one more of an etcd that is there. */
export type EtcdState = 'new' | 'existing';

export function etcdNames(count: number): readonly string[] {
  return count === 1 ? ['etcd'] : Array.from({ length: count }, (_, index) => `etcd${index + 1}`);
}

export function clientUrl({ address }: EtcdSeat): string {
  return `http://${address}:2379`;
}

/** By which the other members know it. */
export function peerUrl({ address }: EtcdSeat): string {
  return `http://${address}:2380`;
}

/** The environment of one of several: etcd takes flags and environment for a conflict, and images have the latter. */
export function memberEnvironment(
  seat: EtcdSeat,
  seats: readonly EtcdSeat[],
  state: EtcdState,
): Readonly<Record<string, string>> {
  return {
    ETCD_NAME: seat.name,
    ETCD_ADVERTISE_CLIENT_URLS: clientUrl(seat),
    ETCD_LISTEN_PEER_URLS: peerUrl(seat),
    ETCD_INITIAL_ADVERTISE_PEER_URLS: peerUrl(seat),
    ETCD_INITIAL_CLUSTER: seats.map(each => `${each.name}=${peerUrl(each)}`).join(),
    ETCD_INITIAL_CLUSTER_STATE: state,
  };
}
