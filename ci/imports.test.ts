// Imports go down, never up or across, and never in a circle. Each rule with its reason.
import { globSync, readFileSync } from 'node:fs';
import { dirname, normalize, sep } from 'node:path';
import { expect, test } from 'vitest';

/** What the files of a room may import from other rooms of this repository. */
const mayImport: Readonly<Record<string, { rooms: readonly string[]; because: string }>> = {
  lib: { rooms: [], because: 'the daemon and the harness both stand on it' },
  daemon: {
    rooms: ['lib'],
    because: 'it must run where the harness is not, and be replaced by any other flanneld',
  },
  harness: { rooms: ['lib'], because: 'it must be able to test any flanneld, so it knows none' },
  scenarios: {
    rooms: ['harness'],
    because: 'they read like a specification, and other repositories write their own',
  },
  bench: { rooms: ['lib', 'harness'], because: 'it measures what users run, through what users run' },
  ci: { rooms: ['lib'], because: 'it runs before and around everything else' },
  selftest: {
    rooms: ['lib', 'harness', 'ci'],
    because: 'it breaks clusters and builds broken daemons, whose sources are text to it',
  },
};

const sources = globSync('{lib,daemon,harness,scenarios,bench,ci,selftest}/**/*.ts');
const imports = new Map(sources.map(file => [file, importsOf(file)]));

function importsOf(file: string): readonly string[] {
  const code = readFileSync(file, 'utf8').replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  const found = code.matchAll(/\bfrom '(\.[^']+)'|\bimport\('(\.[^']+)'\)|^import '(\.[^']+)'/gm);
  return [...found]
    .map(([, a, b, c]) => normalize(`${dirname(file)}/${a ?? b ?? c}`))
    .filter(target => target.endsWith('.ts'));
}

const roomOf = (file: string) => file.split(sep)[0] ?? '';

test('there are sources to look at, and their imports are found', () => {
  expect(sources.length).toBeGreaterThan(20);
  expect(imports.get('harness/owner.ts')).toEqual(['harness/drivers/driver.ts']);
});

for (const [room, { rooms, because }] of Object.entries(mayImport)) {
  test(`${room} imports only ${[room, ...rooms].join(', ')}: ${because}`, () => {
    const allowed = [room, ...rooms];
    const wrong = [...imports]
      .filter(([file]) => roomOf(file) === room)
      .flatMap(([file, targets]) =>
        targets.filter(target => !allowed.includes(roomOf(target))).map(target => `${file} -> ${target}`),
      );
    expect(wrong).toEqual([]);
  });
}

test('every import that is written exists', () => {
  const missing = [...imports].flatMap(([file, targets]) =>
    targets
      .filter(target => target.endsWith('.ts') && !imports.has(target))
      .map(target => `${file} -> ${target}`),
  );
  expect(missing).toEqual([]);
});

test('only the command line and vitest sides of the harness print or end the process', () => {
  const loud = sources.filter(file => /^(harness|lib|daemon)/.test(file) && !file.endsWith('.test.ts'));
  const offenders = loud.filter(file => /process\.exit\(|console\./.test(readFileSync(file, 'utf8')));
  // Samplers and probers are processes of their own, on nodes.
  const mayBe = /^(harness\/(cli|vitest|watch\/(sampler|prober)\.ts)|daemon\/(main|operations\/end)\.ts)/;
  expect(offenders.filter(file => !mayBe.test(file))).toEqual([]);
});

test('no circles', () => {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (path.includes(file) || done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of sources) visit(file, []);
  expect(circles).toEqual([]);
});
