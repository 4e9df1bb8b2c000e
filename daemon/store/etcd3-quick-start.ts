// An etcd v3 client that starts with whatever is loaded soonest, and goes over to the whole client when it is needed.
import type { Etcd3Client, Etcd3Requests } from './etcd3-api.ts';

/**
 * Asks `first` until the first watch, or until it fails in any way; from then on `load`'s client, which is then asked
 * the same again. That a write may arrive twice is nothing new: each endpoint's answer can be lost.
 */
export function createQuickStart(first: Etcd3Requests, load: () => Promise<Etcd3Client>): Etcd3Client {
  let loading: Promise<Etcd3Client> | undefined;
  let loaded: Etcd3Client | undefined;
  let closed = false;

  function whole(): Promise<Etcd3Client> {
    loading ??= load().then(client => {
      first.close();
      if (closed) client.close();
      loaded = client;
      return client;
    });
    return loading;
  }

  async function ask<T>(make: (etcd: Etcd3Requests) => Promise<T>): Promise<T> {
    if (!loading)
      try {
        return await make(first);
      } catch (error) {
        if (closed) throw error;
      }
    return make(await whole());
  }

  return {
    range: (key, end) => ask(etcd => etcd.range(key, end)),
    transact: transaction => ask(etcd => etcd.transact(transaction)),
    grant: (id, ttl) => ask(etcd => etcd.grant(id, ttl)),
    giveBack: id => ask(etcd => etcd.giveBack(id)),
    watch: async () => (await whole()).watch(),
    isOutage: error => loaded?.isOutage(error) ?? true,
    close() {
      closed = true;
      first.close();
      loaded?.close();
    },
  };
}
