// What the daemon and the thread of its data plane tell each other.
import type { ByFamily, Cidr } from '../../lib/ip.ts';
import type { UdpPeer } from './table.ts';

/** What of the kernel's help is to be used, where there is some. */
export interface Help {
  /** TUN with a virtio header: large packets of the host come and go uncut. */
  readonly tun: boolean;
  /** UDP_SEGMENT: one call sends many datagrams. */
  readonly segments: boolean;
  /** UDP_GRO: one call receives many. */
  readonly joins: boolean;
}

/** Those removed go first. */
export interface RouteChange {
  readonly removed: readonly UdpPeer[];
  readonly added: readonly UdpPeer[];
  /** Ours. */
  readonly subnets: ByFamily<Cidr>;
}

/** What the thread is started with. */
export interface Start {
  readonly device: string;
  /** To bind; one for each family that is carried. */
  readonly addresses: ByFamily<string>;
  readonly port: number;
  readonly help: Help;
  readonly counts: SharedArrayBuffer;
}

/** To the thread, which looks when it is woken. */
export type Order =
  | ({ readonly kind: 'route' } & RouteChange)
  | { readonly kind: 'bind'; readonly addresses: ByFamily<string> }
  | { readonly kind: 'stop' };

/** From the thread. */
export type Report =
  /** A byte written to `wake` makes it look; to be closed by who hears this. `level` says in words how much of the kernel's help it has. */
  | { readonly kind: 'open'; readonly wake: number; readonly level: string }
  /** For the log. */
  | { readonly kind: 'notice'; readonly text: string }
  /** The last one. */
  | { readonly kind: 'ended'; readonly reason: string; readonly hint: string | undefined };
