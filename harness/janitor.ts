// Finds and removes clusters without needing them whole: by what the drivers see, not by what a record says.
import type { Survivor } from './drivers/driver.ts';
import { driverNames, loadDriver } from './drivers/index.ts';
import { isAbandoned } from './owner.ts';
import { allRecords, findRecord, forget } from './registry.ts';

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

/** What is there of clusters whose makers are gone, with their records. Never a cluster of `lab up`. */
export async function abandoned(): Promise<readonly Survivor[]> {
  const parts = (await survivors()).filter(({ owner }) => isAbandoned(owner));
  const records = (await allRecords()).filter(({ owner }) => isAbandoned(owner));
  const forgets = records.map(({ owner }) => ({
    owner,
    what: 'a record',
    remove: () => forget(owner.cluster),
  }));
  return [...parts, ...forgets];
}
