// Listens to the kernel's drop tracepoint through tracefs: an instance of its own, which is gone when it is disposed of.
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, startTimeOf } from '../owner.ts';
import { eventFilters, type KernelDrop, parseDrops } from './kernel-drops.ts';

/** There is one for all network namespaces. Nobody mounts it where it is not. */
const tracefs = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

let instances = 0;

export class DropTracepoint implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Hears of IPv4 packets of so many bytes; rejects where the machine does not allow that, with the reason. */
  static async listen(bytes: number): Promise<DropTracepoint> {
    const parent = await writableInstances();
    await removeAbandoned(parent);
    const folder = join(parent, `lab-${process.pid}-${startTimeOf(process.pid)}-${++instances}`);
    await mkdir(folder);
    const made = new DropTracepoint(folder);
    try {
      await writeFile(join(folder, 'buffer_size_kb'), '256');
      for (const [event, filter] of Object.entries(eventFilters(bytes))) {
        await writeFile(join(folder, 'events', event, 'filter'), filter);
        await writeFile(join(folder, 'events', event, 'enable'), '1');
      }
      return made;
    } catch (error) {
      await made[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async isThere(): Promise<boolean> {
    try {
      await using _ = await DropTracepoint.listen(1);
      return true;
    } catch {
      return false;
    }
  }

  async heard(): Promise<readonly KernelDrop[]> {
    return parseDrops(await readFile(join(this.#folder, 'trace'), 'utf8'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rmdir(this.#folder).catch(() => {});
  }
}

async function writableInstances(): Promise<string> {
  const tried: string[] = [];
  for (const folder of tracefs) {
    const instances = join(folder, 'instances');
    try {
      await readdir(instances);
      return instances;
    } catch (error) {
      tried.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(tried[0] ?? 'there is no tracefs');
}

/** Of processes that were killed while they listened. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const [, pid, startTime = ''] = /^lab-(\d+)-(\d+)-\d+$/.exec(name) ?? [];
    if (pid === undefined || isAlive({ pid: Number(pid), startTime })) continue;
    await rmdir(join(parent, name)).catch(() => {});
  }
}
