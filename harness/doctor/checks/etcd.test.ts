// Checks of etcd and of the clocks, on answers, silence and nonsense.
import { expect, test } from 'vitest';
import { endpoint, factsWith, inEtcd, refused } from '../facts.fixture.ts';
import type { EndpointFacts } from '../facts.ts';
import { clock, etcdAnswers } from './etcd.ts';

const net = { Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } };

test('etcd answers, in part, without a configuration, or not at all', () => {
  const judge = (etcd: readonly EndpointFacts[], config: unknown = net) =>
    etcdAnswers.judge(factsWith({}, { ...inEtcd(config), etcd }), 'host');
  expect(judge([endpoint({})])).toEqual({ state: 'ok', saw: 'answers, with 10.5.0.0/16 and backend vxlan' });
  expect(judge([endpoint({})], { Network: '10.5.0.0/16' }).saw).toContain('backend udp');
  expect(judge([]).state).toBe('unknown');
  const silent = endpoint({
    url: 'http://192.0.2.8:2379',
    answer: { state: 'unreadable', why: 'ECONNREFUSED' },
  });
  expect(judge([silent, endpoint({})])).toMatchObject({
    state: 'warning',
    saw: 'http://192.0.2.8:2379: ECONNREFUSED',
  });
  expect(judge([silent])).toMatchObject({ state: 'blocks', fix: 'curl http://192.0.2.8:2379/health' });
  expect(judge([endpoint({})], 'text').state).toBe('warning');
  const none = factsWith({}, { etcd: [endpoint({})] });
  expect(etcdAnswers.judge(none, 'host')).toMatchObject({
    state: 'warning',
    fix: expect.stringContaining('etcdctl put'),
  });
});

test('clocks', () => {
  const judge = (seconds?: number, give = 0.5) =>
    clock.judge(
      factsWith({}, { etcd: [endpoint({ ahead: seconds === undefined ? undefined : { seconds, give } })] }),
      'host',
    );
  expect(judge(0.3)).toEqual({ state: 'ok', saw: 'within 1 s of etcd' });
  expect(judge(-1.2).state).toBe('ok');
  expect(judge(3)).toEqual({ state: 'ok', saw: '3 s behind etcd at http://192.0.2.9:2379' });
  expect(judge(-60)).toEqual({
    state: 'warning',
    saw: '60 s ahead of etcd at http://192.0.2.9:2379',
    fix: 'timedatectl set-ntp true',
  });
  expect(judge(7200).state).toBe('blocks');
  expect(judge(undefined).state).toBe('unknown');
  expect(clock.judge(factsWith(), 'host').state).toBe('unknown');
  const mute = endpoint({ answer: refused, ahead: undefined });
  expect(
    clock.judge(factsWith({}, { etcd: [mute, endpoint({ ahead: { seconds: 90, give: 0.5 } })] }), 'host')
      .state,
  ).toBe('warning');
});
