// Where the log goes and how it looks.
import type { Level } from '../lib/log.ts';
import type { Settings } from './settings.ts';

export interface LogChoice {
  readonly format: 'text' | 'json';
  /** The least level that is logged. */
  readonly level: Level;
  /** Of the log file; undefined when there is none. */
  readonly folder: string | undefined;
  /** The least level that goes to standard error. */
  readonly stderr: Level;
}

const severities: Readonly<Record<string, Level>> = {
  INFO: 'info',
  WARNING: 'warn',
  ERROR: 'error',
  FATAL: 'error',
  0: 'info',
  1: 'warn',
  2: 'error',
  3: 'error',
};

/** With -log_dir alone the log goes to both, so that neither who reads the file nor who reads the journal misses it. */
export function logOf({ text, toggle, number, choice }: Settings, stderrGiven: boolean): LogChoice {
  const level = number('v') > 0 ? 'debug' : 'info';
  const threshold = severities[choice('stderrthreshold', Object.keys(severities))] ?? 'error';
  const [fileOnly, stderrOnly] = [!toggle('logtostderr'), stderrGiven && toggle('logtostderr')];
  const folder = stderrOnly ? undefined : text('log_dir') || undefined;
  const quiet = folder !== undefined && fileOnly && !toggle('alsologtostderr');
  return { format: choice('log-format', ['text', 'json']), level, folder, stderr: quiet ? threshold : level };
}
