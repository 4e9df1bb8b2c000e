// lab doctor: what this machine can run, and the command that mends what it cannot.
import { driverNames, loadDriver } from '../../drivers/index.ts';
import type { Command } from '../command.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'say what this machine can run, and how to mend what it cannot',
  flags: {},

  async run({ out }) {
    const reports = await Promise.all(
      driverNames.map(async name => ({ driver: name, problems: await (await loadDriver(name)).preflight() })),
    );
    out.data({ drivers: reports.map(report => ({ ...report, ready: report.problems.length === 0 })) });
    for (const { driver, problems } of reports) {
      out.line(`${driver}: ${problems.length === 0 ? 'ready' : 'cannot run here'}`);
      for (const { what, fix } of problems) out.line(`  - ${what}\n    ${fix}`);
    }
    return reports.some(({ problems }) => problems.length === 0) ? 0 : 1;
  },
};
