// Routes, neighbours and forwarding entries through netlink: peers come and go, and a process for each would take too long.
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import { entryText } from '../../model/net-state.ts';
import type { Failure } from '../kernel.ts';
import { changeRequests, type PeerOp, readAnswers } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** Opens a socket in the namespace that is meant. */
export type OpenNetlink = () => Promise<NetlinkSocket>;

/** So many changes are carried out before anything else gets its turn: a millisecond or two. */
const atOnce = 100;

const { errno } = constants;
const absent: ReadonlySet<number> = new Set([errno.ESRCH, errno.ENOENT, errno.ENODEV, errno.EADDRNOTAVAIL]);

export class PeerEntries {
  readonly #open: OpenNetlink;
  #socket: Promise<NetlinkSocket> | undefined;
  #sequence = 0;

  constructor(open: OpenNetlink) {
    this.#open = open;
  }

  /** Carries them out in order; gives those that failed. Rejects when the kernel cannot be asked, or the signal aborts. */
  async apply(ops: readonly PeerOp[], signal: AbortSignal): Promise<readonly Failure[]> {
    if (ops.length === 0) return [];
    const socket = await this.#opened();
    const failures: Failure[] = [];
    for (let at = 0; at < ops.length; at += atOnce) {
      if (at > 0) await new Promise(resolve => setImmediate(resolve));
      signal.throwIfAborted();
      failures.push(...this.#change(socket, ops.slice(at, at + atOnce)));
    }
    return failures;
  }

  #opened(): Promise<NetlinkSocket> {
    this.#socket ??= this.#open().catch(error => {
      this.#socket = undefined;
      throw error;
    });
    return this.#socket;
  }

  #change(socket: NetlinkSocket, ops: readonly PeerOp[]): readonly Failure[] {
    // Not kept for longer: others may make a device anew at any time, with another number.
    const devices = new Set(ops.flatMap(({ entry }) => entry.dev ?? []));
    const indexes = new Map([...devices].map(name => [name, socket.indexOf(name)]));
    const isLost = ({ entry: { dev } }: PeerOp) => dev !== undefined && indexes.get(dev) === 0;
    const lost = ops.filter(isLost);
    const possible = lost.length > 0 ? ops.filter(op => !isLost(op)) : ops;
    return [
      ...lost.flatMap(op => failure(op, errno.ENODEV, `Cannot find device "${op.entry.dev}"`)),
      ...(possible.length > 0 ? this.#ask(socket, possible, dev => indexes.get(dev ?? '') ?? 0) : []),
    ];
  }

  #ask(
    socket: NetlinkSocket,
    ops: readonly PeerOp[],
    indexOf: (dev: string | undefined) => number,
  ): readonly Failure[] {
    const first = this.#sequence + 1;
    this.#sequence += ops.length;
    const answers = socket.ask(changeRequests(ops, indexOf, first)).flatMap(readAnswers);
    if (!answers.some(({ sequence }) => sequence === this.#sequence))
      throw new Error('the kernel did not answer on netlink');
    return answers.flatMap(({ sequence, errno: code, why }) => {
      const op = ops[sequence - first];
      return op && code !== 0 ? failure(op, code, why ?? getSystemErrorMessage(-code)) : [];
    });
  }
}

/** Removing what is already gone, alone or with its device, is what was wanted. */
function failure(op: PeerOp, code: number, reason: string): readonly Failure[] {
  if (op.verb === 'remove' && absent.has(code)) return [];
  return [{ op, reason: `${entryText(op.entry)}: ${reason}` }];
}
