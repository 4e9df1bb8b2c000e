// What a verb of `lab` is, and what it is given.
import type { Flags, Parsed } from './args.ts';
import type { Output } from './output.ts';

export interface Command {
  readonly name: string;
  /** One line for the list of verbs. */
  readonly summary: string;
  /** Operands as shown in the usage line: `<node> -- <command> …`. */
  readonly operands?: string;
  readonly flags: Flags;
  /** Resolves with the exit code: 0 ok, 1 the cluster failed the check. Usage errors are thrown. */
  run(context: Context): Promise<number>;
}

export interface Context {
  readonly args: Parsed;
  readonly out: Output;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}
