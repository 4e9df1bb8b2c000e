// What a run of one scenario against a mutant says of both; pure.
import type { Mutant, ScenarioName } from './mutants.ts';

/** One test of vitest's JSON report. */
export interface TestReport {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages?: readonly string[] | null;
  /** Milliseconds. */
  readonly duration?: number | null;
}

/** `unclear`: the scenario did not run, or failed of something else. */
export interface Outcome {
  readonly outcome: 'caught' | 'survived' | 'unclear';
  /** For people: what was noticed, or why nothing is known. */
  readonly why: string;
}

/** A pattern for vitest's `-t` and for full names; what is between blocks is a blank or ` > `. */
export function namePattern({ test, group, backend = 'vxlan' }: ScenarioName): string {
  const literal = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const parts = [`netns ${backend}`, ...(group ? [group] : []), test];
  return parts.map(literal).join('(?: >)? ');
}

export function find(reports: readonly TestReport[], name: ScenarioName): TestReport | undefined {
  const pattern = new RegExp(namePattern(name));
  return reports.find(({ fullName, status }) => pattern.test(fullName) && status !== 'skipped');
}

/** `sound`: how the same scenario fared with the daemon as it is, undefined when it did not run. */
export function judge(
  { caughtBy, says }: Pick<Mutant, 'caughtBy' | 'says'>,
  sound: TestReport | undefined,
  reports: readonly TestReport[],
): Outcome {
  if (sound?.status !== 'passed')
    return {
      outcome: 'unclear',
      why: `with the daemon as it is: ${sound ? firstLine(sound) : 'did not run'}`,
    };
  const report = find(reports, caughtBy);
  if (!report) return { outcome: 'unclear', why: 'the scenario did not run' };
  if (report.status === 'passed') return { outcome: 'survived', why: 'the scenario passed' };
  const message = messageOf(report);
  if (/^Error: the cluster did not come up/.test(message))
    return { outcome: 'unclear', why: firstLine(report) };
  const told = says.exec(message)?.[0];
  if (told === undefined)
    return { outcome: 'unclear', why: `failed of something else: ${firstLine(report)}` };
  return { outcome: 'caught', why: firstLine(report) };
}

function messageOf({ failureMessages }: TestReport): string {
  return (failureMessages ?? []).join('\n');
}

function firstLine(report: TestReport): string {
  const [line = ''] = messageOf(report).split('\n');
  return line.replace(/^\w*Error: /, '').slice(0, 120) || report.status;
}
