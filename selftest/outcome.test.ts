// Caught is only what failed for the mutant's own reason, where the sound daemon passed.
import { expect, test } from 'vitest';
import { find, judge, namePattern, type TestReport } from './outcome.ts';

const caughtBy = { file: 'scenarios/x.scenario.ts', group: 'underlay 1280', test: 'M01: sends (1230) at' };
const mutant = { caughtBy, says: /still has the route/ };
const fullName = 'netns vxlan underlay 1280 M01: sends (1230) at once';
const passed: TestReport = { fullName, status: 'passed' };
const failed = (message: string): TestReport => ({ fullName, status: 'failed', failureMessages: [message] });

test('a pattern is for one scenario on one platform, with either separator', () => {
  const pattern = new RegExp(namePattern(caughtBy));
  expect(pattern.test(fullName)).toBe(true);
  expect(pattern.test(fullName.replace('vxlan ', 'vxlan > ').replace('1280 M', '1280 > M'))).toBe(true);
  expect(pattern.test(fullName.replace('vxlan', 'host-gw'))).toBe(false);
  expect(pattern.test(fullName.replace('(1230)', '1230'))).toBe(false);
});

test('a scenario that was skipped did not run', () => {
  expect(find([{ fullName, status: 'skipped' }], caughtBy)).toBeUndefined();
  expect(find([passed], caughtBy)).toBe(passed);
});

test('a failure that says what the mutant does is a catch', () => {
  const report = failed('UserError: node1 still has the route 10.5.1.0/24\n    at …');
  expect(judge(mutant, passed, [report])).toEqual({
    outcome: 'caught',
    why: 'node1 still has the route 10.5.1.0/24',
  });
});

test('a scenario that passes lets the mutant survive', () => {
  expect(judge(mutant, passed, [passed]).outcome).toBe('survived');
});

test.each([
  ['of something else', failed('Error: etcd is on fire'), 'failed of something else: etcd is on fire'],
  [
    'to come up',
    failed('Error: the cluster did not come up: node1 still has the route'),
    'the cluster did not come up: node1 still has the route',
  ],
])('a failure %s catches nothing', (_, report, why) => {
  expect(judge(mutant, passed, [report])).toEqual({ outcome: 'unclear', why });
});

test('a scenario that fails anyway, or did not run, catches nothing', () => {
  const report = failed('Error: node1 still has the route');
  expect(judge(mutant, failed('Error: tired'), [report]).why).toBe('with the daemon as it is: tired');
  expect(judge(mutant, undefined, [report]).why).toBe('with the daemon as it is: did not run');
  expect(judge(mutant, passed, []).why).toBe('the scenario did not run');
});
