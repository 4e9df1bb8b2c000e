// All checks together: one that cannot make sense of what it reads ends nothing, and every finding says what to do.
import { expect, test } from 'vitest';
import type { Finding } from './check.ts';
import { checks } from './checks/index.ts';
import { diagnose } from './diagnose.ts';
import { factsWith, inEtcd, refused } from './facts.fixture.ts';
import { type SourceName, sources } from './facts.ts';
import { readFacts } from './read-facts.ts';

const names = Object.keys(sources) as SourceName[];
const all = (answer: string | typeof refused | null) =>
  factsWith(Object.fromEntries(names.map(name => [name, answer])) as never);

test('a host in order is found in order, for either purpose', () => {
  const found = diagnose(
    checks,
    factsWith({}, inEtcd({ Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } })),
    'host',
  );
  expect(found.filter(({ state }) => state !== 'ok')).toEqual([]);
  expect(found.length).toBeGreaterThan(10);
  expect(diagnose(checks, factsWith(), 'lab').map(({ check }) => check)).toEqual([
    'modules',
    'cgroups',
    'user namespaces',
    'limits',
  ]);
});

test.for([
  ['nothing can be read', all(refused)],
  ['nothing is there', all(null)],
  ['all of it is nonsense', all('\u0000{[nonsense')],
  ['all of it is empty', all('')],
] as const)('%s, and every check has an answer', ([, facts]) => {
  for (const purpose of ['lab', 'host'] as const) {
    const found = diagnose(checks, facts, purpose);
    expect(found.length).toBe(checks.filter(({ purposes }) => purposes.includes(purpose)).length);
    for (const { saw, why, state, fix } of found) {
      expect(saw).not.toMatch(/\n|undefined/);
      expect(why).not.toBe('');
      if (state === 'warning' || state === 'blocks') expect(fix).toBeTruthy();
    }
  }
});

test('a check that throws is unknown', () => {
  const judge = (): Finding => {
    throw new Error('no');
  };
  const [found] = diagnose([{ name: 'x', why: 'y', purposes: ['lab'], judge }], factsWith(), 'lab');
  expect(found).toEqual({ check: 'x', why: 'y', state: 'unknown', saw: 'what was read makes no sense: no' });
});

test('this machine answers within two seconds, with an etcd that does not', async () => {
  const started = performance.now();
  const facts = await readFacts({ endpoints: ['http://127.0.0.1:1', 'http://192.0.2.1:2379'], prefix: '/x' });
  expect(performance.now() - started).toBeLessThan(2000);
  expect(facts.answers.mounts.state).toBe('read');
  expect(facts.etcd.map(({ answer }) => answer.state)).toEqual(['unreadable', 'unreadable']);
  expect(facts.config).toEqual({ state: 'absent' });
});
