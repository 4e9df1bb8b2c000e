// The clusters known on this machine: one JSON file each, by which another process finds a running cluster again.
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../lib/errors.ts';
import { runDir } from '../lib/places.ts';
import type { ClusterSpec } from './cluster-spec.ts';
import type { Owner, SiteData } from './drivers/driver.ts';
import { isAbandoned, isAlive, startTimeOf } from './owner.ts';

export interface ClusterRecord {
  readonly spec: ClusterSpec;
  readonly owner: Owner;
  /** ISO time of creation. */
  readonly since: string;
  /** Absent until there is something of the cluster. */
  readonly site?: SiteData;
  /** The cluster is still coming up: if its maker is gone, it will never be whole. */
  readonly making?: true;
}

const folder = () => join(runDir(), 'clusters');
const fileOf = (name: string) => join(folder(), `${name}.json`);

/** Takes the name for a new cluster; a name in use is a usage error. */
export async function claimName(record: ClusterRecord): Promise<void> {
  const { name } = record.spec;
  const holder = await findRecord(name);
  if (holder && isAbandoned(holder.owner)) await forget(name);
  await mkdir(folder(), { recursive: true });
  const file = await writeAside(record);
  try {
    await link(file, fileOf(name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new UsageError(`a cluster named ${name} is already up`, {
      hint: `npm run lab -- down --name ${name}   # or choose another --name`,
      cause,
    });
  } finally {
    await rm(file, { force: true });
  }
}

/** Replaces the record in one step, so that a reader never sees half of it. */
export async function saveRecord(record: ClusterRecord): Promise<void> {
  await rename(await writeAside(record), fileOf(record.spec.name));
}

let written = 0;

/** A record under a name that says who writes it: a process that is killed meanwhile leaves it. */
async function writeAside(record: ClusterRecord): Promise<string> {
  const writer = `${process.pid}-${startTimeOf(process.pid)}`;
  const file = `${fileOf(record.spec.name)}.${writer}-${++written}.new`;
  await writeFile(file, JSON.stringify(record));
  return file;
}

/** Half-written records whose writers are gone, with the names of their clusters. */
export async function unfinishedRecords(): Promise<readonly { cluster: string; path: string }[]> {
  const files = await readdir(folder()).catch(() => []);
  return files.flatMap(file => {
    const [, cluster = '', pid, startTime = ''] = /^(.+)\.json(?:\.(\d+)-(\d+)-\d+)?\.new$/.exec(file) ?? [];
    // Without a writer's name it is from a version that gave none.
    const gone = pid === undefined || !isAlive({ pid: Number(pid), startTime });
    return cluster && gone ? [{ cluster, path: join(folder(), file) }] : [];
  });
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

/** Also one of `lab up`, which would be kept if it had come up. */
export function isHalfMade({ owner, making }: ClusterRecord): boolean {
  return making === true && !isAlive(owner);
}

export async function forget(name: string): Promise<void> {
  await rm(fileOf(name), { force: true });
  await rm(faultFolder(name), { recursive: true, force: true });
}

/** Where the faults of a cluster are noted that outlive the process that made them; gone with the cluster. */
export function faultFolder(name: string): string {
  return join(folder(), `${name}.faults`);
}
