#!/usr/bin/env node
// The `lab` command: finds the verb, runs it, and turns what happened into an exit code.
import { describeError, nearest, UsageError, UserError } from '../../lib/errors.ts';
import { NotReadyError } from '../drivers/index.ts';
import { FaultUnavailable } from '../faults/kind.ts';
import { parseFlags } from './args.ts';
import type { Command } from './command.ts';
import { commands } from './commands/index.ts';
import { helpText, usageLine } from './help.ts';
import { createOutput } from './output.ts';

// Not left to the event loop: a connection to an etcd that has just been removed would keep it busy for minutes.
process.exit(await main(process.argv.slice(2)));

/** 0 ok, 1 the cluster failed the check, 2 misuse or a missing prerequisite. */
async function main(words: readonly string[]): Promise<number> {
  const interrupted = abortOnSignals();
  try {
    return await dispatch(words, interrupted);
  } catch (error) {
    if (interrupted.aborted) return interruptedCode(interrupted);
    process.stderr.write(
      `lab: ${error instanceof UserError ? describeError(error) : String((error as Error).stack)}\n`,
    );
    const missing = error instanceof NotReadyError || error instanceof FaultUnavailable;
    return error instanceof UsageError || missing ? 2 : 1;
  }
}

async function dispatch(words: readonly string[], signal: AbortSignal): Promise<number> {
  const [first] = words;
  if (first === '--help' || first === '-h' || first === 'help') {
    process.stdout.write(helpText(commands));
    return 0;
  }
  const named = first !== undefined && !first.startsWith('-');
  const command = findCommand(named ? first : 'verify');
  const rest = named ? words.slice(1) : words;
  if (rest.includes('--help') && !rest.includes('--')) {
    process.stdout.write(helpText([command]));
    return 0;
  }
  const flags = { ...command.flags, json: { type: 'boolean', help: 'one JSON object on stdout' } } as const;
  const args = parseFlags(rest, flags, usageLine(command));
  return command.run({ args, out: createOutput({ json: args.on('json') }), signal });
}

function findCommand(verb: string): Command {
  const found = commands.find(command => command.name === verb);
  if (found) return found;
  const names = commands.map(command => command.name);
  const guess = nearest(verb, names);
  throw new UsageError(`unknown verb ${JSON.stringify(verb)}${guess ? `, did you mean ${guess}?` : ''}`, {
    hint: `lab ${names.join('|')}`,
  });
}

/** The first signal takes down what is up; a second one ends the process at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(interruptedCode(controller.signal));
      process.stderr.write('\nlab: taking everything down; once more to stop at once\n');
      controller.abort(name);
    });
  }
  return controller.signal;
}

function interruptedCode(signal: AbortSignal): number {
  return signal.reason === 'SIGTERM' ? 143 : 130;
}
