// The long polls of etcd v2 as an async iterable that loses nothing; where it cannot go on, it says so by throwing.
import { codes, type Node, Refused } from './etcd2-answer.ts';
import type { Etcd2Client } from './etcd2-client.ts';
import { StoreError } from './lease-store.ts';

export interface Change {
  readonly removed: boolean;
  readonly node: Node;
}

/** How long one poll waits for something to happen, in milliseconds: as long can a dead connection go unnoticed. */
const pollTime = 5000;

/** etcd calls it compareAndDelete when somebody deleted with a condition. */
const removals = ['delete', 'expire', 'compareAndDelete'];

export interface Watched {
  readonly client: Etcd2Client;
  /** This, and what is below it. */
  readonly key: string;
  /** A small key, read through a majority of the members from time to time. */
  readonly witness: string;
}

/**
 * Yields what happens after `index`. Ends when the signal aborts. Throws when there is a gap or may be one: the connection
 * broke, etcd forgot what happened (it keeps 1000 changes), its index went back, or the member in use is on its own:
 * such a one would be silent for ever.
 */
export async function* pollChanges(
  { client, key, witness }: Watched,
  index: number,
  signal: AbortSignal,
): AsyncGenerator<Change, void> {
  let seen = index;
  while (!signal.aborted) {
    const query = `wait=true&recursive=true&waitIndex=${seen + 1}`;
    const answer = await client.getHere(key, query, signal, pollTime);
    if (answer.index < seen) throw new StoreError(`etcd went back to index ${answer.index} from ${seen}`);
    const { action, node } = answer;
    if (action !== undefined && node) {
      seen = node.modifiedIndex;
      yield { removed: removals.includes(action), node };
    } else {
      // All up to that index was looked through; not moving on would fall behind what etcd keeps.
      seen = Math.max(seen, answer.index);
      await client.getHere(witness, 'quorum=true', signal).catch(unlessMissing);
    }
  }
}

function unlessMissing(error: unknown): void {
  if (!(error instanceof Refused && error.code === codes.keyNotFound)) throw error;
}
