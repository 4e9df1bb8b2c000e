// What a migration plans to write, what it leaves, and what it refuses.
import { expect, test } from 'vitest';
import { missingFrom, planMigration, type StoreRecord } from './plan.ts';

const config: StoreRecord = { key: 'config', value: '{"Network":"10.5.0.0/16"}', ttl: undefined };
const lease = (subnet: string, ip: string, ttl: number | undefined = 80_000, more = {}): StoreRecord => ({
  key: `subnets/${subnet}-24`,
  value: JSON.stringify({ PublicIP: ip, BackendType: 'vxlan', ...more }),
  ttl,
});
const one = lease('10.5.1.0', '192.0.2.1');
const two = lease('10.5.2.0', '192.0.2.2', 100);
const kept = { ...lease('10.5.9.0', '192.0.2.9'), ttl: undefined };
const source = [config, one, two, kept];
const actions = (from: readonly StoreRecord[], to: readonly StoreRecord[]) =>
  planMigration(from, to).steps.map(({ record, action }) => `${action} ${record.key}`);
const conflicts = (from: readonly StoreRecord[], to: readonly StoreRecord[]) =>
  planMigration(from, to).conflicts.map(({ key, why }) => `${key}: ${why}`);

test('everything is copied to an empty store, the configuration last', () => {
  expect(actions(source, [])).toEqual([
    'copy subnets/10.5.1.0-24',
    'copy subnets/10.5.2.0-24',
    'copy subnets/10.5.9.0-24',
    'copy config',
  ]);
  expect(conflicts(source, [])).toEqual([]);
});

test('a second time writes nothing, whatever either side has counted down meanwhile', () => {
  const there = source.map(record => ({ ...record, ttl: record.ttl && record.ttl - 30 }));
  expect(actions(source, there).every(action => action.startsWith('keep'))).toBe(true);
  expect(actions(source, there).length).toBe(4);
  expect(conflicts(source, there)).toEqual([]);
});

test('what was renewed in the source since the copy gets its time at the target, and is never shortened', () => {
  expect(actions([config, one], [config, { ...one, ttl: 5000 }])[0]).toBe('refresh subnets/10.5.1.0-24');
  expect(actions([config, kept], [config, { ...kept, ttl: 5000 }])[0]).toBe('refresh subnets/10.5.9.0-24');
  expect(actions([config, two], [config, { ...two, ttl: 86_400 }])[0]).toBe('keep subnets/10.5.2.0-24');
  expect(actions([config, two], [config, { ...two, ttl: undefined }])[0]).toBe('keep subnets/10.5.2.0-24');
});

test('a node that has moved keeps the record it has written at the target', () => {
  const moved = lease('10.5.1.0', '192.0.2.1', 86_400, { PublicIPv6: null, BackendData: { VNI: 1 } });
  expect(actions([config, one], [config, moved])).toEqual(['keep subnets/10.5.1.0-24', 'keep config']);
  expect(conflicts([config, one], [config, moved])).toEqual([]);
  const [late] = planMigration([config, one], [config, { ...moved, ttl: 10 }]).steps;
  expect(late).toEqual({ action: 'refresh', record: { ...one, value: moved.value } });
});

test('a configuration that is spelled otherwise is the same, another one is not', () => {
  expect(
    conflicts([config], [{ ...config, value: '{ "Network" : "10.5.0.0/16", "EnableIPv6": null }' }]),
  ).toEqual([]);
  expect(conflicts([config], [{ ...config, value: '{"Network":"10.6.0.0/16"}' }])).toEqual([
    'config: the target has another configuration: {"Network":"10.6.0.0/16"}',
  ]);
  expect(conflicts([{ ...config, value: 'x' }], [{ ...config, value: 'y' }]).length).toBe(1);
});

test('a subnet that somebody else has at the target is a conflict', () => {
  expect(conflicts(source, [lease('10.5.1.0', '192.0.2.7')])).toEqual([
    'subnets/10.5.1.0-24: the target has it for 192.0.2.7, not 192.0.2.1',
  ]);
  const wide = { ...lease('10.5.0.0', '192.0.2.7'), key: 'subnets/10.5.0.0-23' };
  expect(conflicts([config, one], [wide])).toEqual([
    'subnets/10.5.1.0-24: the target has subnets/10.5.0.0-23, which overlaps 10.5.1.0/24',
  ]);
});

test('a node that has another subnet at the target would change it: a conflict', () => {
  expect(conflicts(source, [lease('10.5.77.0', '192.0.2.1')])).toEqual([
    'subnets/10.5.1.0-24: the target has subnets/10.5.77.0-24, another subnet of the same node, 192.0.2.1',
  ]);
});

test('a node with two subnets in the source may have one of them at the target already', () => {
  const second = lease('10.5.3.0', '192.0.2.1');
  expect(conflicts([config, one, second], [second])).toEqual([]);
});

test('a key that is no lease is skipped, and a record that cannot be read is copied as it is', () => {
  const plan = planMigration(
    [config, { key: 'subnets/nonsense', value: '', ttl: 1 }, { ...one, value: '{' }],
    [],
  );
  expect(plan.skipped).toEqual(['subnets/nonsense']);
  expect(plan.steps.map(({ record }) => record.value)).toEqual(['{', config.value]);
  expect(conflicts([{ ...one, value: '{' }], [{ ...one, value: '[' }]).length).toBe(1);
});

test('reading back notices what is missing, changed, or has another time', () => {
  const { steps } = planMigration(source, []);
  const after = source.map(record => ({ ...record, ttl: record.ttl && record.ttl - 3 }));
  expect(missingFrom(steps, after, 2.5)).toEqual([]);
  const without = (key: string, instead: readonly StoreRecord[] = []) =>
    missingFrom(steps, [...after.filter(there => there.key !== key), ...instead], 2.5).map(({ why }) => why);
  expect(without(one.key)).toEqual(['is not at the target']);
  expect(without(one.key, [{ ...one, value: 'x' }])).toEqual(['has another value at the target: x']);
  expect(without(one.key, [{ ...one, ttl: 70_000 }])).toEqual([
    'has 70000 s left at the target, and 80000 s left at the source',
  ]);
  expect(without(kept.key, [{ ...kept, ttl: 9 }])).toEqual([
    'has 9 s left at the target, and no end at the source',
  ]);
  expect(without(two.key, [{ ...two, ttl: undefined }])).toEqual([
    'has no end at the target, and 100 s left at the source',
  ]);
});
