// Faults that outlive the process that made them: one JSON file each beside the record of their cluster.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { faultFolder } from '../registry.ts';
import type { Recipe } from './faults.ts';

export interface StandingFault extends Recipe {
  /** Counts up in each cluster. */
  readonly id: number;
  /** ISO time. */
  readonly since: string;
}

/** Notes it under the next number that is free. */
export async function noteFault(cluster: string, recipe: Recipe): Promise<StandingFault> {
  const folder = faultFolder(cluster);
  await mkdir(folder, { recursive: true });
  const since = new Date().toISOString();
  for (let id = Math.max(0, ...(await ids(folder))) + 1; ; id++) {
    const fault = { ...recipe, id, since };
    try {
      await writeFile(join(folder, `${id}.json`), JSON.stringify(fault), { flag: 'wx' });
      return fault;
    } catch (error) {
      // Another process has just taken that number.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** In the order in which they were made. */
export async function standingFaults(cluster: string): Promise<readonly StandingFault[]> {
  const folder = faultFolder(cluster);
  const numbers = (await ids(folder)).sort((a, b) => a - b);
  return Promise.all(
    numbers.map(async id => JSON.parse(await readFile(join(folder, `${id}.json`), 'utf8')) as StandingFault),
  );
}

export async function forgetFault(cluster: string, id: number): Promise<void> {
  await rm(join(faultFolder(cluster), `${id}.json`), { force: true });
}

async function ids(folder: string): Promise<number[]> {
  const files = await readdir(folder).catch(() => []);
  return files.flatMap(file => /^(\d+)\.json$/.exec(file)?.[1] ?? []).map(Number);
}
