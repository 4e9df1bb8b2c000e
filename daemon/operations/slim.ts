// Makes the process small once it has started: it then waits most of the time, and seldom computes for long.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { Observe } from './happening.ts';
import { releaseProgramPages } from './program-pages.ts';

/** Optimised code would not pay for its memory any more, nor would room for more garbage. */
const flags = ['--no-opt', '--no-maglev', '--semi-space-growth-factor=1', '--expose-gc'];

/** Milliseconds: what follows readiness, such as the first watch, should not wait for the collection. */
const settled = 1000;

/** Gives back, once the daemon is ready, what only the start needed. */
export function createSlimming(log: Logger): Observe {
  let carries = false;
  return ({ kind }) => {
    // A thread that carries packets computes all the time, and flags are for all threads.
    if (kind === 'carrier') carries = true;
    if (kind === 'ready' && !carries) setTimeout(giveBack, settled, log).unref();
  };
}

function giveBack(log: Logger): void {
  // Compiled code counts for the flags it was made with, Node's own included; by now all is loaded.
  for (const flag of flags) setFlagsFromString(flag);
  const gc: (how: object) => void = runInNewContext('gc');
  gc({ type: 'major', flavor: 'last-resort' });
  releaseProgramPages().catch(error =>
    log.debug('the program stays whole in memory', { because: describeError(error) }),
  );
}
