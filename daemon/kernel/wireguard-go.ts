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
const patience = 3000;
/** One that the daemon before us had may be about to end. */
const attempts = 3;

/** Resolves when the device is there, or to the reason why it is not. */
export async function startUserspace(
  userspace: Userspace,
  dev: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const program = findProgram('wireguard-go');
  if (!program) return 'this kernel has no wireguard, and wireguard-go is not installed';
  let reason: string | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await sleep(200, signal);
    reason = await start(userspace, program, dev, signal);
    if (reason === undefined) {
      userspace.log.info('wireguard runs in userspace, as this kernel has none', { device: dev, program });
      return undefined;
    }
  }
  return `this kernel has no wireguard, and wireguard-go does not run: ${reason}`;
}

async function start(
  { lines, log, wg }: Userspace,
  program: string,
  dev: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  // Takes away a socket that nobody listens on any more; to lose it while it begins is what wireguard-go ends with.
  await wg.read(dev, signal);
  const giveUp = new AbortController();
  let said = '';
  let isReady = false;
  let isOver = false;
  const follow = async () => {
    try {
      for await (const line of lines([program, '-f', dev], AbortSignal.any([signal, giveUp.signal]))) {
        said = line;
        log.debug(line);
      }
    } catch (error) {
      said ||= describeError(error);
    }
    isOver = true;
    if (isReady && !signal.aborted)
      log.warn('wireguard-go ended', { device: dev, reason: said || undefined });
  };
  void follow();
  for (let waited = 0; waited < patience && !isOver; waited += 20) {
    if (await wg.read(dev, signal)) {
      isReady = true;
      return undefined;
    }
    await sleep(20, signal);
  }
  giveUp.abort();
  return said || `no device ${dev} that wg can read within ${patience / 1000} s`;
}
