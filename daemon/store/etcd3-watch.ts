// Watch streams of etcd as async iterables; none resumes by itself, so that a gap is always visible.
import type { IWatchResponse } from 'etcd3';
import type { Etcd3Client } from './etcd3-api.ts';
import { StoreError } from './lease-store.ts';

/** How long etcd may take to say that the watch is set up, in milliseconds; a dead endpoint would take minutes. */
const createdWithin = 2500;

/**
 * Yields the responses of one watch, of a key or of all from it up to another, from `startRevision` on, the `created` one first. Ends when the signal aborts;
 * throws StoreError when the stream breaks, ends, or etcd cancels the watch (as it does after a compaction).
 *
 * Give the revision that was read, not the next one. etcd before 3.4.33 and 3.5.15 drops a removal at the very revision
 * it compacts to, and does not cancel a watch that starts there; it cancels one that starts before.
 *
 * etcd3's own watcher is not used: on reconnecting it resumes at the server's current revision, which skips what
 * happened in between, and after a compaction it is gone for ever.
 */
export async function* watchRange(
  client: Etcd3Client,
  [key, end]: readonly [Buffer, Buffer?],
  startRevision: number,
  signal: AbortSignal,
): AsyncGenerator<IWatchResponse, void> {
  if (signal.aborted) return;
  const stream = await client.watch();
  const cancel = () => stream.cancel();
  if (signal.aborted) return cancel(); // while the stream was being made
  signal.addEventListener('abort', cancel, { once: true });
  const timer = setTimeout(cancel, createdWithin);
  try {
    stream.write({
      create_request: {
        key,
        ...(end ? { range_end: end } : {}),
        start_revision: startRevision,
        progress_notify: true,
      },
    });
    // A grpc duplex stream is a Node stream, which etcd3's type does not say.
    for await (const response of stream as unknown as AsyncIterable<IWatchResponse>) {
      clearTimeout(timer);
      if (response.canceled) throw new StoreError(cancelReason(response));
      if (Number(response.header.revision) < startRevision)
        throw new StoreError(`etcd went back to revision ${response.header.revision}`);
      yield response;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cancel);
    stream.cancel();
  }
  if (!signal.aborted) throw new StoreError('etcd ended the watch');
}

function cancelReason({ cancel_reason, compact_revision }: IWatchResponse): string {
  if (compact_revision !== '0') return `history up to revision ${compact_revision} was compacted`;
  return `etcd cancelled the watch: ${cancel_reason || 'no reason given'}`;
}
