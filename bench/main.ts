// npm run bench -- [name …] [--runs N] [--json]: figures of ours and, with PEER_FLANNELD=<path>, of a peer in the same run.
import { parseArgs } from 'node:util';
import { describeError, nearest, UsageError } from '../lib/errors.ts';
import { benches } from './benches.ts';
import { compare, type Figure, renderFigures } from './compare.ts';

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${describeError(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false }, runs: { type: 'string', default: '5' } },
    allowPositionals: true,
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1)
    throw new UsageError(`--runs ${values.runs}: not a whole number above 0`);
  const peer = process.env.PEER_FLANNELD ? `bin:${process.env.PEER_FLANNELD}` : undefined;
  const figures: Record<string, Figure> = {};
  for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
    const bench = benches[name];
    if (!bench) throw unknownBench(name);
    const progress = (text: string) => void process.stderr.write(`${name}: ${text}\n`);
    const failed = (text: string) => {
      progress(text);
      process.exitCode = 1;
    };
    const figure = await compare(bench, { runs, peer, progress, failed });
    if (figure) figures[name] = figure;
  }
  process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : `${renderFigures(figures)}\n`);
}

function unknownBench(name: string): UsageError {
  const names = Object.keys(benches);
  const guess = nearest(name, names);
  return new UsageError(`unknown bench ${name}${guess ? `, did you mean ${guess}?` : ''}`, {
    hint: names.join(', '),
  });
}
