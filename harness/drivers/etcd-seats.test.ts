// One etcd is called as ever; several know each other by name and address.
import { expect, test } from 'vitest';
import { etcdNames, memberEnvironment } from './etcd-seats.ts';

test('one has no number, several have', () => {
  expect(etcdNames(1)).toEqual(['etcd']);
  expect(etcdNames(3)).toEqual(['etcd1', 'etcd2', 'etcd3']);
});

test('each is told of all, and how it begins', () => {
  const seats = etcdNames(3).map((name, at) => ({ name, address: `192.168.77.${at + 2}` }));
  const [, second] = seats;
  if (!second) return expect.unreachable();
  expect(memberEnvironment(second, seats, 'existing')).toEqual({
    ETCD_NAME: 'etcd2',
    ETCD_ADVERTISE_CLIENT_URLS: 'http://192.168.77.3:2379',
    ETCD_LISTEN_PEER_URLS: 'http://192.168.77.3:2380',
    ETCD_INITIAL_ADVERTISE_PEER_URLS: 'http://192.168.77.3:2380',
    ETCD_INITIAL_CLUSTER:
      'etcd1=http://192.168.77.2:2380,etcd2=http://192.168.77.3:2380,etcd3=http://192.168.77.4:2380',
    ETCD_INITIAL_CLUSTER_STATE: 'existing',
  });
});
