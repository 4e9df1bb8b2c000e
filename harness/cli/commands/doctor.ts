// lab doctor: what this machine can run, or what is in flanneld's way on it, and the command that mends it.
import { styleText } from 'node:util';
import { describeError, UsageError } from '../../../lib/errors.ts';
import { within } from '../../../lib/wait.ts';
import { checks } from '../../doctor/checks/index.ts';
import { type Diagnosis, diagnose } from '../../doctor/diagnose.ts';
import { readFacts } from '../../doctor/read-facts.ts';
import type { DriverName, Problem } from '../../drivers/driver.ts';
import { driverNames, loadDriver } from '../../drivers/index.ts';
import type { Command } from '../command.ts';
import { endpointFlags, endpointsFrom, prefixFrom } from '../etcd-flags.ts';
import type { Output } from '../output.ts';

/** Milliseconds a driver may take to say what it lacks. */
const patience = 2000;

export const doctor: Command = {
  name: 'doctor',
  summary: 'say what this machine can run, and how to mend what it cannot; --host: as a node with flanneld',
  flags: {
    host: { type: 'boolean', help: 'look at this machine as a node that runs flanneld and docker itself' },
    ...endpointFlags,
  },

  async run({ args, out }) {
    const endpoints = endpointsFrom(args, 'etcd-endpoints') ?? [];
    const isHost = args.on('host');
    if (!isHost && (endpoints.length > 0 || args.text('etcd-prefix') !== undefined))
      throw new UsageError("etcd is asked for a host of flanneld's", {
        hint: 'lab doctor --host --etcd-endpoints URLS',
      });
    const [reports, facts] = await Promise.all([
      Promise.all(isHost ? [] : driverNames.map(driverReport)),
      readFacts({ endpoints, prefix: prefixFrom(args) }),
    ]);
    const found = diagnose(checks, facts, isHost ? 'host' : 'lab');
    const blocked =
      found.some(({ state }) => state === 'blocks') || (!isHost && !reports.some(({ ready }) => ready));
    out.data({ ok: !blocked, drivers: reports, checks: found });
    for (const { driver, problems, ready } of reports) {
      out.line(`${mark(ready ? 'ok' : 'blocks')}  driver ${driver}: ${ready ? 'ready' : 'cannot run here'}`);
      for (const { what, fix } of problems) out.line(`${indent}${what}\n${indent}  ${fix}`);
    }
    for (const diagnosis of found) show(out, diagnosis);
    return blocked ? 1 : 0;
  },
};

interface DriverReport {
  readonly driver: DriverName;
  readonly problems: readonly Problem[];
  readonly ready: boolean;
}

async function driverReport(driver: DriverName): Promise<DriverReport> {
  const looked = loadDriver(driver).then(found => found.preflight());
  const problems = await within(looked, patience, `looking at driver ${driver}`).catch(
    (error: unknown): readonly Problem[] => [
      { what: describeError(error), fix: 'npm run lab -- doctor   # again' },
    ],
  );
  return { driver, problems, ready: problems.length === 0 };
}

const indent = ' '.repeat(9);

function show(out: Output, { check, state, saw, why, fix }: Diagnosis): void {
  out.line(`${mark(state)}  ${check}: ${saw}`);
  if (state === 'ok') return;
  out.line(`${indent}${why}`);
  if (fix !== undefined) out.line(`${indent}  ${fix}`);
}

const colours = { ok: 'green', warning: 'yellow', blocks: 'red', unknown: 'dim' } as const;

function mark(state: Diagnosis['state']): string {
  return styleText(colours[state], state.padEnd(7), { stream: process.stdout });
}
