// Running a program that may not be installed, and asking it once what it can do.
import { type Argv, CommandError, type Runner, type RunOptions, type RunResult } from '../../lib/run.ts';
import { type Features, MissingTool } from './firewall.ts';

/** As `runner.run`, but rejects with {@link MissingTool} when there is no such program. */
export async function runTool(runner: Runner, argv: Argv, options: RunOptions): Promise<RunResult> {
  try {
    return await runner.run(argv, options);
  } catch (error) {
    const missing =
      error instanceof CommandError && (error.cause as NodeJS.ErrnoException)?.code === 'ENOENT';
    throw missing ? new MissingTool(`${argv[0]} is not installed`) : error;
  }
}

/** Keeps the first answer; a failure is not one, for the program may be installed later. */
export function probeOnce(
  probe: (signal: AbortSignal) => Promise<Features>,
): (signal: AbortSignal) => Promise<Features> {
  let probed: Promise<Features> | undefined;
  return signal => {
    probed ??= probe(signal);
    probed.catch(() => {
      probed = undefined;
    });
    return probed;
  };
}
