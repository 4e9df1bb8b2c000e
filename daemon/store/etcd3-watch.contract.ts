// What only a real etcd v3 can show of the watch: which removals a compaction takes out of its history.
import { Etcd3 } from 'etcd3';
import { expect, test } from 'vitest';
import { createLogger } from '../../lib/log.ts';
import { etcdProgram, startEtcd } from './etcd.fixture.ts';
import { createEtcd3Client } from './etcd3-client.ts';
import { createEtcd3Store } from './etcd3-store.ts';

test.skipIf(!etcdProgram)('a removal between reading and watching is not lost to a compaction', async () => {
  await using etcd = await startEtcd();
  const raw = new Etcd3({ hosts: etcd.endpoint });
  await using store = createEtcd3Store(
    createEtcd3Client([etcd.endpoint], {}),
    '/coreos.com/network',
    createLogger({ write: () => {} }),
  );
  const key = '/coreos.com/network/subnets/10.5.1.0-24';
  await raw.put(key).value('{"PublicIP":"192.168.0.1","BackendType":"host-gw"}');

  const watch = store.watch(AbortSignal.timeout(20_000))[Symbol.asyncIterator]();
  expect((await watch.next()).value).toMatchObject({ kind: 'snapshot', leases: [{ key: '10.5.1.0-24' }] });
  await raw.delete().key(key);
  // etcd before 3.4.33 and 3.5.15 forgets the removal itself when it is the revision compacted to.
  const { header } = await raw.kv.range({ key: Buffer.from('x') });
  await raw.kv.compact({ revision: header.revision });
  // Anything written later makes a deaf watch speak.
  await raw.put('/coreos.com/network/subnets/10.5.2.0-24').value('{"PublicIP":"192.168.0.2"}');
  expect((await watch.next()).value).toMatchObject({ kind: 'snapshot', leases: [{ key: '10.5.2.0-24' }] });
  await watch.return?.();
  raw.close();
});
