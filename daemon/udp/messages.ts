// What the daemon and the thread of its data plane tell each other.
import type { ByFamily } from '../../lib/ip.ts';
import type { Routes } from './routes.ts';

/** What of the kernel's help is to be used, where there is some. */
export interface Help {
  /** TUN with a virtio header: large packets of the host come and go uncut. */
  readonly tun: boolean;
  /** UDP_SEGMENT: one call sends many datagrams. */
  readonly segments: boolean;
  /** UDP_GRO: one call receives many. */
  readonly joins: boolean;
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
  | ({ readonly kind: 'route' } & Routes)
  | { readonly kind: 'bind'; readonly addresses: ByFamily<string> }
  | { readonly kind: 'stop' };

/** From the thread. */
export type Report =
  /** A byte written to `wake` makes it look. `level` says in words how much of the kernel's help it has. */
  | { readonly kind: 'open'; readonly wake: number; readonly level: string }
  /** The last one. */
  | { readonly kind: 'ended'; readonly reason: string; readonly hint: string | undefined };
