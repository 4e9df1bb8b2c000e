// Wireguard where the kernel has none: a process for each device, which ends with the device, the signal and the daemon.
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { findProgram } from '../../lib/places.ts';
import type { Runner } from '../../lib/run.ts';
import { sleep } from '../../lib/wait.ts';
import type { LineSource } from './spawn.ts';
import type { Wg } from './wg.ts';

export interface Userspace {
  readonly runner: Runner;
  readonly lines: LineSource;
  readonly log: Logger;
  readonly wg: Wg;
}

/** How long a device may take to appear, in milliseconds. */
const patience = 5000;

/** Resolves when the device is there, or to the reason why it is not. */
export async function startUserspace(
  { lines, log, wg }: Userspace,
  dev: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const program = findProgram('wireguard-go');
  if (!program) return 'this kernel has no wireguard, and wireguard-go is not installed';
  let said = '';
  let isOver = false;
  const follow = async () => {
    try {
      for await (const line of lines([program, '-f', dev], signal)) {
        said = line;
        log.debug(line);
      }
    } catch (error) {
      said = describeError(error);
    } finally {
      isOver = true;
    }
    if (!signal.aborted) log.warn('wireguard-go ended', { device: dev, reason: said || undefined });
  };
  void follow();
  for (let waited = 0; waited < patience; waited += 20) {
    if (await wg.read(dev, signal)) {
      log.info('wireguard runs in userspace, as this kernel has none', { device: dev, program });
      return undefined;
    }
    if (isOver) return `this kernel has no wireguard, and wireguard-go does not run: ${said}`;
    await sleep(20, signal);
  }
  return `wireguard-go made no device ${dev} that wg can read within ${patience / 1000} s`;
}
