// A folder of evidence: each file has a limit on its time and its size, and says so where it was cut or is missing.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeError } from '../../lib/errors.ts';
import { within } from '../../lib/wait.ts';
import type { EvidenceFile } from '../report/data.ts';

export interface Limits {
  /** Milliseconds for each file; all are made at the same time. */
  readonly time: number;
  /** Bytes of each file. */
  readonly size: number;
}

export const defaultLimits: Limits = { time: 6000, size: 1_000_000 };

export class Folder {
  readonly path: string;
  readonly #limits: Limits;
  readonly #files = new Map<string, EvidenceFile>();

  constructor(path: string, limits = defaultLimits) {
    this.path = path;
    this.#limits = limits;
  }

  get files(): readonly EvidenceFile[] {
    return [...this.#files.values()];
  }

  /** Never rejects: what cannot be had is said in the file, and undefined is returned. */
  async save<T extends string | Uint8Array>(path: string, content: () => Promise<T>): Promise<T | undefined> {
    try {
      const whole = await within(content(), this.#limits.time, path);
      const kept = typeof whole === 'string' ? shortened(whole, this.#limits.size) : whole;
      await this.#write(path, kept, kept === whole ? undefined : 'cut');
      return whole;
    } catch (error) {
      const text = `could not be collected: ${describeError(error)}\n`;
      await this.#write(path, text, 'could not be collected').catch(() => {});
      return undefined;
    }
  }

  /** Not one of the files: the page that lists them. */
  async page(path: string, text: string): Promise<void> {
    await mkdir(this.path, { recursive: true });
    await writeFile(join(this.path, path), text);
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  async #write(path: string, content: string | Uint8Array, note: string | undefined): Promise<void> {
    const file = join(this.path, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    this.#files.set(path, { path, bytes: Buffer.byteLength(content), note });
  }
}

/** The beginning and, mostly, the end; pure. `size` is in bytes, and met by whole characters. */
export function shortened(text: string, size: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= size) return text;
  const head = bytes.subarray(0, Math.floor(size / 4)).toString();
  const tail = bytes.subarray(bytes.length - Math.floor((size * 3) / 4)).toString();
  return `${head}\n[… ${bytes.length - size} bytes are left out here: a file of evidence has at most ${size} …]\n${tail}`;
}
