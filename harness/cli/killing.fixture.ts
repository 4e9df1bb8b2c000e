// Kills `lab` at moments drawn from a seed, lets `lab gc` clean up, and says what is left.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { execa } from 'execa';
import { sleep, until } from '../../lib/wait.ts';
import type { DriverName } from '../drivers/driver.ts';
import { leftOf, marksOf } from '../janitor.ts';
import { findRecord } from '../registry.ts';

const main = join(import.meta.dirname, 'main.ts');

/** Runs the command to its end; resolves with its exit code and what it printed on stdout. */
async function lab(...words: readonly string[]): Promise<{ code: number; stdout: string }> {
  const { exitCode = -1, stdout } = await execa(process.execPath, [main, ...words], { reject: false });
  return { code: exitCode, stdout };
}

export interface KillMoment {
  readonly verb: 'verify' | 'up';
  /** Milliseconds after the start. */
  readonly after: number;
}

/** The same for the same seed; each in a part of its own of the time, so that none is missed. */
export function killMoments(seed: number, count: number, longest: number): readonly KillMoment[] {
  const random = generator(seed);
  return Array.from({ length: count }, (_, index) => ({
    verb: random() < 0.7 ? 'verify' : 'up',
    after: Math.round(((index + random()) / count) * longest),
  }));
}

/** Numbers in [0, 1) (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Killing {
  readonly moment: KillMoment;
  /** What there was when it was killed, in words. */
  readonly found: readonly string[];
  /** What is there after `lab gc`. */
  readonly left: readonly string[];
}

/** Starts `lab` on a cluster of this name and kills it. A whole cluster of `up` is taken down, as gc leaves it alone. */
async function killAt(moment: KillMoment, driver: DriverName, name: string): Promise<Killing> {
  const words = [moment.verb, '--driver', driver, '--nodes', '2', '--name', name];
  const child = spawn(process.execPath, [main, ...words], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await Promise.race([ended, sleep(moment.after)]);
  const marks = new Set(await marksOf(name));
  child.kill('SIGKILL');
  await ended;
  for (const mark of await marksOf(name)) marks.add(mark);
  const found = await leftOf(name, []);
  let left: readonly string[] = [];
  const clean = async () => {
    const record = await findRecord(name);
    await (moment.verb === 'up' && record && !record.making ? lab('down', '--name', name) : lab('gc'));
    left = await leftOf(name, [...marks]);
    return left.length === 0 ? true : undefined;
  };
  // An engine finishes what it was asked for before, and only then there is something to remove.
  await until(clean, { what: 'everything to be gone', timeout: 20_000 }).catch(() => {});
  return { moment, found, left };
}

/** Milliseconds from the start of `lab verify` to its end, on this machine and now. */
async function timeOfVerify(driver: DriverName, name: string): Promise<number> {
  const started = performance.now();
  const { code } = await lab('verify', '--driver', driver, '--nodes', '2', '--name', name);
  if (code !== 0)
    throw new Error(`lab verify --driver ${driver} exits ${code}, so nothing can be said of killing it`);
  return performance.now() - started;
}

/** Kills at all these moments, one after the other, with a cluster of somebody else beside it. */
export async function* killings(
  driver: DriverName,
  { seed, count }: { readonly seed: number; readonly count: number },
): AsyncGenerator<Killing, readonly string[]> {
  const name = `kill-${driver}-${process.pid}`;
  await using other = await witness(driver, `${name}-w`);
  const longest = await timeOfVerify(driver, name);
  for (const moment of killMoments(seed, count, longest)) yield await killAt(moment, driver, name);
  return await other.harm();
}

/** A cluster of somebody else, that must be there afterwards as it was. */
async function witness(driver: DriverName, name: string) {
  const { code } = await lab('up', '--driver', driver, '--nodes', '2', '--name', name);
  if (code !== 0) throw new Error(`lab up --driver ${driver} exits ${code}`);
  const before = await leftOf(name, []);
  return {
    /** What of it has changed, in words. */
    harm: async (): Promise<readonly string[]> => {
      const after = await leftOf(name, []);
      const { code, stdout } = await lab('ping', '--name', name);
      return [
        ...before.filter(what => !after.includes(what)).map(what => `it no longer has ${what}`),
        ...(code === 0 ? [] : [`lab ping exits ${code}: ${stdout}`]),
      ];
    },
    [Symbol.asyncDispose]: async () => {
      await lab('down', '--name', name);
    },
  };
}
