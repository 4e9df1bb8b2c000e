// A monotonic clock that goes on while the host is suspended, as etcd's does; timers and performance.now() stand still.
import { uptime } from 'node:os';

/** Milliseconds since the host came up, in steps of ten. On Linux, Node takes them from /proc/uptime. */
export function sinceBoot(): number {
  return uptime() * 1000;
}
