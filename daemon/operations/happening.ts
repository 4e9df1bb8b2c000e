// What the daemon tells about itself while it runs; health, metrics and systemd are made from nothing else.
import type { Counters } from '../udp/counters.ts';

export type Happening =
  /** etcd stopped answering, or answers (again). Told at changes. */
  | { readonly kind: 'etcd'; readonly answers: boolean }
  /** The lease is ours until `expires`, in milliseconds on the clock of `sinceBoot()`. */
  | { readonly kind: 'lease'; readonly subnet: string; readonly expires: number }
  | { readonly kind: 'renewal'; readonly succeeded: boolean }
  /** How many leases the cluster has now; `snapshot` when they were read anew, after a gap or at start. */
  | { readonly kind: 'leases'; readonly count: number; readonly snapshot: boolean }
  /** How many of them are peers this node sends to. */
  | { readonly kind: 'peers'; readonly count: number }
  /** The kernel was compared with what should be; `broken` when what every peer needs could not be put right. */
  | {
      readonly kind: 'pass';
      readonly seconds: number;
      readonly changes: number;
      readonly failures: number;
      readonly broken: boolean;
    }
  /** This process carries the packets of its device from now on; what was counted meanwhile can be asked at any time. */
  | { readonly kind: 'carrier'; readonly counters: () => Counters }
  /** Firewall rules were missing or out of order, and were put in place. */
  | { readonly kind: 'rules' }
  /** subnet.env is written, the peers are programmed, the firewall was seen to. Told once. */
  | { readonly kind: 'ready' };

/** Takes no time worth mentioning and never throws. */
export type Observe = (happening: Happening) => void;
