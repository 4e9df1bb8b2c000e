// One table feeds `cluster.fault` and the command line; what is noted of a fault is enough to mend it elsewhere.
import { expect, test } from 'vitest';
import type { NodeHandle } from '../drivers/driver.ts';
import { faultWindows, Journal } from '../journal.ts';
import { begin, mend, type Recipe, vocabulary } from './faults.ts';
import type { Scene } from './kind.ts';
import { type KindName, kinds, wordOf } from './kinds.ts';

const names = Object.keys(kinds) as KindName[];

/** A cluster of one node, which does nothing but note what it is told. */
function scene() {
  const told: string[] = [];
  const run = async (argv: readonly string[]) => {
    told.push(argv.join(' '));
    return { code: 0, stdout: 'State: T (stopped)', stderr: '' };
  };
  const daemon = { state: async () => ({ running: true, pid: 7 }) };
  const node = { name: 'node1', run, daemon } as unknown as NodeHandle;
  const site = { nodes: [node], owner: { cluster: 'lab' } };
  const signal = new AbortController().signal;
  return { told, node, scene: { site, journal: new Journal(), signal } as unknown as Scene };
}

test('each kind is a method and, in other letters, a word', () => {
  const methods = vocabulary(scene().scene);
  expect(Object.keys(methods)).toEqual(names);
  const words = names.map(wordOf);
  expect(words).toContain('half-open');
  expect(new Set(words).size).toBe(names.length);
  expect(words.filter(word => !/^[a-z]+(-[a-z]+)*$/.test(word))).toEqual([]);
});

test('help is one line that fits', () => {
  const long = names.filter(name => `${wordOf(name)} ${kinds[name].operands}`.length > 62);
  expect(long).toEqual([]);
  expect(names.filter(name => /\n|\.$/.test(kinds[name].help) || kinds[name].help.length > 100)).toEqual([]);
});

test('the recipe is noted before the fault is made, and mends it in another process', async () => {
  const here = scene();
  const recipes: Recipe[] = [];
  await begin(here.scene, 'freeze', [here.node], async recipe => {
    expect(here.told).toEqual([]);
    recipes.push(JSON.parse(JSON.stringify(recipe)));
  });
  expect(here.told[0]).toBe('kill -STOP 7');
  expect(recipes).toEqual([
    { kind: 'freeze', facts: { node: 'node1', pid: 7 }, what: 'the daemon of node1 is frozen' },
  ]);
  const there = scene();
  await mend(there.scene, recipes[0] as Recipe);
  expect(there.told).toEqual(['kill -CONT 7']);
});

test('what happens once is noted as an act, and no fault', async () => {
  const { scene: cluster, node, told } = scene();
  await vocabulary(cluster).deleteDevice(node, 'flannel.1');
  expect(told).toEqual(['ip link delete flannel.1']);
  expect(cluster.journal.happenings).toMatchObject([{ kind: 'act', what: 'flannel.1 of node1 is deleted' }]);
  expect(faultWindows(cluster.journal.happenings)).toEqual([]);
});
