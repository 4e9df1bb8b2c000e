// The daemon's log as its flags ask for it: to standard error, to a file, or to both.
import { writeSync } from 'node:fs';
import { describeError } from '../../lib/errors.ts';
import { createLogger, isAtLeast, type Level, type Logger } from '../../lib/log.ts';
import type { LogChoice } from '../log-choice.ts';
import { openLogFile } from './log-file.ts';

/** A line that cannot be written (the reader of a pipe went away) is not worth dying for. */
export function writeLine(descriptor: number, line: string): void {
  try {
    writeSync(descriptor, `${line}\n`);
  } catch {}
}

/** Throws a UserError when there should be a file and cannot. When it fails later, standard error gets everything. */
export function openLog({ format, level, folder, stderr }: LogChoice): Logger {
  let toFile = folder === undefined ? undefined : openLogFile(folder);
  const write = (line: string, own: Level) => {
    try {
      toFile?.(line);
    } catch (error) {
      toFile = undefined;
      log.error('the log file cannot be written any more, logging here', { error: describeError(error) });
    }
    if (!toFile || isAtLeast(own, stderr)) writeLine(2, line);
  };
  const log = createLogger({ write, level, format });
  return log;
}
