// Finds and removes clusters without needing them whole: by what the drivers see, not by what a record says.
import { rm } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Owner, Survivor } from './drivers/driver.ts';
import { driverNames, loadDriver } from './drivers/index.ts';
import { hostLists } from './host-lists.ts';
import { marked, strayed } from './leaks.ts';
import { isAbandoned } from './owner.ts';
import { allRecords, findRecord, forget, isHalfMade, unfinishedRecords } from './registry.ts';

/** Everything of any cluster on this machine, over all drivers. */
export async function survivors(): Promise<readonly Survivor[]> {
  const found = await Promise.all(driverNames.map(async name => (await loadDriver(name)).survivors()));
  return found.flat();
}

/** Removes a cluster and its record; resolves with its name, or undefined when there was nothing of that name. */
export async function removeCluster(name: string): Promise<string | undefined> {
  const parts = (await survivors()).filter(({ owner }) => owner.cluster === name);
  const known = (await findRecord(name)) !== undefined;
  await Promise.all(parts.map(part => part.remove()));
  await forget(name);
  return known || parts.length > 0 ? name : undefined;
}

/** Something that nobody will miss. */
export interface Leftover {
  readonly cluster: string;
  /** For people. */
  readonly what: string;
  remove(): Promise<void>;
}

/** What is there of clusters whose makers are gone, with their records. Never a whole cluster of `lab up`. */
export async function abandoned(): Promise<readonly Leftover[]> {
  const [parts, records, unfinished] = await Promise.all([survivors(), allRecords(), unfinishedRecords()]);
  const halfMade = records.filter(isHalfMade).map(({ owner }) => owner);
  const isDead = (owner: Owner) => isAbandoned(owner) || halfMade.some(one => isDeepStrictEqual(one, owner));
  const forgets = records
    .filter(({ owner }) => isDead(owner))
    .map(({ owner }) => ({ cluster: owner.cluster, what: 'a record', remove: () => forget(owner.cluster) }));
  const drops = unfinished.map(({ cluster, path }) => ({
    cluster,
    what: 'half of a record',
    remove: () => rm(path, { force: true }),
  }));
  // Records last: a half-made cluster is known to be one by its record alone.
  return [
    ...parts
      .filter(({ owner }) => isDead(owner))
      .map(({ owner, what, remove }) => ({ cluster: owner.cluster, what, remove })),
    ...forgets,
    ...drops,
  ];
}

/** By what the host would know anything of the cluster; to be asked while it is there. */
export async function marksOf(name: string): Promise<readonly string[]> {
  return (await survivors()).filter(({ owner }) => owner.cluster === name).flatMap(part => part.marks());
}

/** What there is of the cluster, in words: what drivers find, records, and what else on this host carries its marks. */
export async function leftOf(name: string, marks: readonly string[]): Promise<readonly string[]> {
  const [parts, records, unfinished, lists] = await Promise.all([
    survivors(),
    allRecords(),
    unfinishedRecords(),
    hostLists(),
  ]);
  return [
    ...parts.filter(({ owner }) => owner.cluster === name).map(({ what }) => what),
    ...records.filter(({ owner }) => owner.cluster === name).map(() => 'a record'),
    ...unfinished.filter(({ cluster }) => cluster === name).map(() => 'half of a record'),
    ...marked(lists, marks),
  ];
}

/** Things with our names on the host itself, where no cluster puts any: compare with an earlier list. */
export async function straysHere(): Promise<readonly string[]> {
  return strayed(await hostLists());
}
