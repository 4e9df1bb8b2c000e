// The wrapper around runc takes out of a container what the machine lacks, and nothing else.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const wrapper = new URL('../images/node/runc-bounded', import.meta.url).pathname;
const isRoot = process.getuid?.() === 0;

/** Runs the wrapper without CAP_CHOWN, with a runc that only says how it was called. */
function runWithoutChown(file: string, content: object, argv: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'runc-bounded-'));
  writeFileSync(join(folder, file), JSON.stringify(content));
  writeFileSync(join(folder, 'runc'), '#!/bin/sh\necho "$@"\n');
  chmodSync(join(folder, 'runc'), 0o755);
  const words = argv.map(word => word.replace('FOLDER', folder));
  const stdout = execFileSync('setpriv', ['--bounding-set=-chown', 'sh', wrapper, ...words], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  });
  expect(stdout).toBe(`${words.join(' ')}\n`);
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown;
}

test.runIf(isRoot)('create loses the missing capabilities, wherever they stand in a list', () => {
  const config = (...sets: string[][]) => ({ process: { args: ['"CAP_CHOWN"'], capabilities: sets } });
  const before = config(['CAP_CHOWN', 'CAP_KILL'], ['CAP_KILL', 'CAP_CHOWN'], ['CAP_CHOWN'], ['CAP_FCHOWN']);
  const after = config(['CAP_KILL'], ['CAP_KILL'], [], ['CAP_FCHOWN']);
  const argv = ['--log', 'x', 'create', '--bundle', 'FOLDER', 'id'];
  expect(runWithoutChown('config.json', before, argv)).toEqual(after);
});

test.runIf(isRoot)('exec loses them in its process file', () => {
  const argv = ['exec', '--process', 'FOLDER/process', 'id'];
  const before = { capabilities: { bounding: ['CAP_CHOWN', 'CAP_KILL'] } };
  expect(runWithoutChown('process', before, argv)).toEqual({ capabilities: { bounding: ['CAP_KILL'] } });
});

test.runIf(isRoot)('other commands go through untouched', () => {
  const before = { capabilities: ['CAP_CHOWN'] };
  expect(runWithoutChown('config.json', before, ['state', 'id'])).toEqual(before);
});
