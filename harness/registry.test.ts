// Records are whole or not there, and what a killed process left of one is found again.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { clusterSpec } from './cluster-spec.ts';
import { abandoned } from './janitor.ts';
import { ownedHere } from './owner.ts';
import {
  type ClusterRecord,
  claimName,
  findRecord,
  forget,
  isHalfMade,
  saveRecord,
  unfinishedRecords,
} from './registry.ts';

const record = (extra: Partial<ClusterRecord> = {}): ClusterRecord => ({
  spec: clusterSpec({ driver: 'netns', name: 'one' }),
  owner: ownedHere('one', { keep: true }),
  since: '2026-01-01T00:00:00.000Z',
  ...extra,
});
/** This process, as if it were gone. */
const dead = { ...ownedHere('one', { keep: true }), startTime: '1' };
let home: string;
const files = () => readdir(join(home, 'run/clusters'));

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'registry-'));
  vi.stubEnv('FLANNEL_LAB_HOME', home);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

test('a name is taken once, and nothing but the record is left of taking it', async () => {
  await claimName(record());
  await expect(claimName(record())).rejects.toThrow('a cluster named one is already up');
  expect(await files()).toEqual(['one.json']);
  expect(await findRecord('one')).toEqual(record());
  await forget('one');
  await claimName(record());
});

test('a record that is saved replaces the former one', async () => {
  await claimName(record({ making: true }));
  await saveRecord(record());
  expect(await files()).toEqual(['one.json']);
  expect(await findRecord('one')).toEqual(record());
});

test('half a record counts as left behind once its writer is gone', async () => {
  await claimName(record());
  const { pid, startTime } = record().owner;
  for (const writer of [`.${pid}-${startTime}-9`, `.${pid}-1-9`, ''])
    await writeFile(join(home, `run/clusters/two.json${writer}.new`), '{"spec":');
  const paths = (await unfinishedRecords()).map(({ cluster, path }) => [cluster, path.split('/').at(-1)]);
  expect(paths.toSorted()).toEqual([
    ['two', `two.json.${pid}-1-9.new`],
    ['two', 'two.json.new'],
  ]);
});

test('a cluster of up is half-made only while its record says so and its maker is gone', () => {
  expect(isHalfMade(record({ making: true, owner: dead }))).toBe(true);
  expect(isHalfMade(record({ making: true }))).toBe(false);
  expect(isHalfMade(record({ owner: dead }))).toBe(false);
});

test('what is abandoned are half-made clusters and half-written records, not those that are kept', async () => {
  const names = async () =>
    (await abandoned()).filter(({ cluster }) => cluster === 'one').map(({ what }) => what);
  await claimName(record({ owner: dead }));
  expect(await names()).toEqual([]);
  await saveRecord(record({ owner: dead, making: true }));
  await writeFile(join(home, 'run/clusters/one.json.1-1-1.new'), '');
  expect(await names()).toEqual(['a record', 'half of a record']);
});
