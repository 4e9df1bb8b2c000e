// What was changed in the kernel, as log lines.
import type { Logger } from '../../lib/log.ts';
import type { Op } from '../model/diff.ts';
import { entryText } from '../model/net-state.ts';
import { listed } from './few.ts';

/** Logs changes that were carried out. */
export function reportChanges(done: readonly Op[], log: Logger): void {
  const lines = done.map(opText);
  if (lines.length <= listed) for (const line of lines) log.info(line);
  else {
    const put = done.filter(({ verb }) => verb === 'put').length;
    log.info('network programmed', { put, removed: done.length - put });
    for (const line of lines) log.debug(line);
  }
}

function opText(op: Op): string {
  if (op.verb === 'put' && op.replaces?.kind === 'sysctl' && op.entry.kind === 'sysctl')
    return `set ${op.entry.path.replaceAll('/', '.')} to ${op.entry.value}, it was ${op.replaces.value}`;
  return `${op.verb} ${entryText(op.entry)}`;
}
