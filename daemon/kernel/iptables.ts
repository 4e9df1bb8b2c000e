// The packet filter through iptables, iptables-save and iptables-restore, of either kind (legacy or nft).
import { type Argv, CommandError, type Runner, type RunOptions, type RunResult } from '../../lib/run.ts';
import { type Features, type Firewall, MissingTool } from './firewall.ts';

/** Seconds to wait for another program that holds the lock. */
const lockWait = 5;

export function createIptables(runner: Runner): Firewall {
  let probed: Promise<Features> | undefined;
  const features = (signal: AbortSignal) => {
    probed ??= probe(runner, signal);
    probed.catch(() => {
      probed = undefined; // it may be installed later
    });
    return probed;
  };
  return {
    features,
    save: async signal => (await run(runner, ['iptables-save'], { signal })).stdout,
    async restore(input, signal) {
      // The same version brought both.
      const { randomFully } = await features(signal);
      const wait = randomFully ? ['--wait', String(lockWait)] : [];
      await run(runner, ['iptables-restore', '--noflush', ...wait], { input, signal });
    },
  };
}

async function probe(runner: Runner, signal: AbortSignal): Promise<Features> {
  const { stdout } = await run(runner, ['iptables', '--version'], { signal });
  return { randomFully: isAtLeast(stdout, [1, 6, 2]) };
}

/** Whether the first version number in `text` is `least` or later. */
export function isAtLeast(text: string, least: readonly number[]): boolean {
  const version = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text)?.slice(1).map(Number) ?? [];
  for (const [index, wanted] of least.entries()) {
    const part = version[index] || 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

async function run(runner: Runner, argv: Argv, options: RunOptions): Promise<RunResult> {
  try {
    return await runner.run(argv, options);
  } catch (error) {
    const missing =
      error instanceof CommandError && (error.cause as NodeJS.ErrnoException)?.code === 'ENOENT';
    throw missing ? new MissingTool(`${argv[0]} is not installed`) : error;
  }
}
