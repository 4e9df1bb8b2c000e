// Reads the time and the level of log lines: this daemon's, klog's of Go flannelds, and the kernel's; pure.
import type { Level, LogLine } from '../report/data.ts';

const own = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (debug|info|warn|error)\s+(.*)$/;
/** `I1123 03:28:30.711000   123 main.go:5] text`, in UTC, as nodes have no other zone. */
const klog = /^([IWEF])(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3})\d* +\d+ ([^\]]+\] .*)$/;
const klogLevels: Readonly<Record<string, Level>> = { I: 'info', W: 'warn', E: 'error', F: 'error' };

/** Lines without a time belong to the line before them, and are left out; the files have all. `year`: of klog's lines. */
export function daemonLines(source: string, text: string, year: number): readonly LogLine[] {
  return text.split('\n').flatMap((line): readonly LogLine[] => {
    const [, time, word = '', said = ''] = own.exec(line) ?? [];
    if (time !== undefined) {
      const level = word === 'debug' ? 'info' : (word as Level);
      return [{ at: Date.parse(time), source, level, text: said }];
    }
    return jsonLine(source, line) ?? klogLine(source, line, year) ?? [];
  });
}

function jsonLine(source: string, line: string): readonly LogLine[] | undefined {
  if (!line.startsWith('{"time":')) return undefined;
  try {
    const { time, level, message, ...fields } = JSON.parse(line) as Readonly<Record<string, string>>;
    const said = [message, ...Object.entries(fields).map(([name, value]) => `${name}=${value}`)].join(' ');
    const known = level === 'warn' || level === 'error' ? level : 'info';
    return [{ at: Date.parse(time ?? ''), source, level: known, text: said }];
  } catch {
    return undefined;
  }
}

function klogLine(source: string, line: string, year: number): readonly LogLine[] | undefined {
  const [, letter = '', month, day, hour, minute, second, fraction, said = ''] = klog.exec(line) ?? [];
  const level = klogLevels[letter];
  if (level === undefined) return undefined;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction}Z`);
  return [{ at, source, level, text: said }];
}

/** `dmesg` counts seconds since boot: `[44928.936123] veth11: left`. Only what was said after `since` is taken. */
export function kernelLines(text: string, bootedAt: number, since: number): readonly LogLine[] {
  return text.split('\n').flatMap(line => {
    const [, stamp, said = ''] = /^\[\s*(\d+\.\d+)\] (.*)$/.exec(line) ?? [];
    const at = Math.round(bootedAt + Number(stamp) * 1000);
    if (stamp === undefined || at < since) return [];
    return [{ at, source: 'kernel', level: 'info', text: said } as const];
  });
}
