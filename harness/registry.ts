// The clusters known on this machine: one JSON file each, by which another process finds a running cluster again.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../lib/errors.ts';
import { runDir } from '../lib/places.ts';
import type { ClusterSpec } from './cluster-spec.ts';
import type { Owner, SiteData } from './drivers/driver.ts';
import { isAbandoned } from './owner.ts';

export interface ClusterRecord {
  readonly spec: ClusterSpec;
  readonly owner: Owner;
  /** ISO time of creation. */
  readonly since: string;
  /** Absent while the cluster is being made. */
  readonly site?: SiteData;
}

const folder = () => join(runDir(), 'clusters');
const fileOf = (name: string) => join(folder(), `${name}.json`);

/** Takes the name for a new cluster; a name in use is a usage error. */
export async function claimName(record: ClusterRecord): Promise<void> {
  const { name } = record.spec;
  const holder = await findRecord(name);
  if (holder && isAbandoned(holder.owner)) await forget(name);
  await mkdir(folder(), { recursive: true });
  try {
    await writeFile(fileOf(name), JSON.stringify(record), { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new UsageError(`a cluster named ${name} is already up`, {
      hint: `npm run lab -- down --name ${name}   # or choose another --name`,
      cause,
    });
  }
}

/** Replaces the record in one step, so that a reader never sees half of it. */
export async function saveRecord(record: ClusterRecord): Promise<void> {
  const file = fileOf(record.spec.name);
  await writeFile(`${file}.new`, JSON.stringify(record));
  await rename(`${file}.new`, file);
}

export async function findRecord(name: string): Promise<ClusterRecord | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(name), 'utf8')) as ClusterRecord;
  } catch {
    return undefined;
  }
}

export async function allRecords(): Promise<readonly ClusterRecord[]> {
  const files = await readdir(folder()).catch(() => []);
  const names = files.filter(file => file.endsWith('.json')).map(file => file.slice(0, -'.json'.length));
  const records = await Promise.all(names.map(findRecord));
  return records.filter(record => record !== undefined);
}

export async function forget(name: string): Promise<void> {
  await rm(fileOf(name), { force: true });
  await rm(faultFolder(name), { recursive: true, force: true });
}

/** Where the faults of a cluster are noted that outlive the process that made them; gone with the cluster. */
export function faultFolder(name: string): string {
  return join(folder(), `${name}.faults`);
}
