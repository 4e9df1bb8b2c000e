// npm run selftest -- [name …] [--json]: whether verdicts are right, broken daemons are caught, and killed runs leave nothing.
import { parseArgs } from 'node:util';
import { driverNames } from '../harness/drivers/index.ts';
import { injectionSuites } from '../harness/trace/injections/index.ts';
import { describeError, UsageError } from '../lib/errors.ts';
import { catchMutant, soundly } from './broken-daemons.ts';
import { type Detail, figuresOf, renderFigures } from './figures.ts';
import { tryKills } from './kills.ts';
import { mutants } from './mutants.ts';
import { tryVerdicts } from './verdicts.ts';

/** Of killing `lab`, on each driver. */
const moments = 20;
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort(name));

try {
  process.exitCode = await main(controller.signal);
} catch (error) {
  process.stderr.write(`selftest: ${describeError(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
// A connection to an etcd that has just been removed would keep the process for minutes.
process.exit();

async function main(signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const wanted = (id: string) => positionals.length === 0 || positionals.some(word => id.includes(word));
  const details: Detail[] = [];
  const started = performance.now();
  const done = (detail: Detail) => {
    details.push(detail);
    const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds} s  ${detail.kind} ${detail.name}: ${detail.outcome}\n`);
  };

  for (const suite of injectionSuites) {
    const injections = suite.injections.filter(({ name }) => wanted(`verdict ${suite.name}: ${name}`));
    if (injections.length > 0) await tryVerdicts({ ...suite, injections }, signal, done);
  }
  const broken = mutants.filter(({ name }) => wanted(`mutant ${name}`));
  if (broken.length > 0) {
    const sound = await soundly(broken, signal);
    await inPairs(broken, async mutant => done(await catchMutant(mutant, sound, signal)));
  }

  for (const driver of driverNames) {
    if (!wanted(`kill ${driver}`)) continue;
    process.stderr.write(`killing lab on ${driver} at ${moments} moments, SEED=${seed}\n`);
    await tryKills(driver, { seed, count: moments }, signal, done);
  }

  if (details.length === 0)
    throw new UsageError(`nothing is called ${positionals.join(' or ')}`, {
      hint: `verdict <backend>: <cause>, kill <driver>, or mutant ${mutants.map(({ name }) => name).join(', ')}`,
    });
  const figures = figuresOf(details);
  process.stdout.write(`${values.json ? JSON.stringify(figures) : renderFigures(figures)}\n`);
  return details.every(({ ok }) => ok) ? 0 : 1;
}

/** Two at a time: they wait as much as they compute. */
async function inPairs<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all([worker(), worker()]);
}
