// The programs for nodes are whole as texts, and a sampler says what it sees and ends with who started it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { proberProgram } from './prober.ts';
import { samplerProgram } from './sampler.ts';
import type { Sample } from './samples.ts';

test('a sampler tells the file, the daemon and its log, obeys, and ends when its input does', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sampler-'));
  const [subnetFile, pids] = [join(folder, 'subnet.env'), join(folder, 'pids')];
  await writeFile(pids, `99999999\n${process.pid}\n`);
  const log = ['printf', 'one\\ntwo\\n'];
  const program = samplerProgram({ pids: [join(folder, 'none'), pids], log, subnetFile });
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const samples: Sample[] = [];
    const lines = createInterface({ input: child.stdout });
    lines.on('line', line => samples.push(JSON.parse(line) as Sample));
    const tell = (request: object) => child.stdin.write(`${JSON.stringify(request)}\n`);
    const said = (facts: object) =>
      expect.poll(() => samples, { timeout: 5000 }).toContainEqual(expect.objectContaining(facts));
    await said({ file: null });
    await said({ pid: process.pid });
    await said({ log: ['one', 'two'] });
    await writeFile(`${subnetFile}.new`, 'FLANNEL_MTU=1450\n');
    await rename(`${subnetFile}.new`, subnetFile);
    await said({ file: 'FLANNEL_MTU=1450\n' });
    tell({ start: 'echo', argv: ['sed', '-u', 's/^/heard /'] });
    tell({ tell: 'echo', line: 'this' });
    await said({ prober: 'echo', line: 'heard this' });
    await writeFile(pids, '');
    await said({ pid: null });
    tell({ sync: 7 });
    await said({ synced: 7 });
    expect(samples.map(({ at }) => Math.abs(at - Date.now()) < 60_000)).not.toContain(false);
    const closed = once(child, 'close');
    child.stdin.end();
    expect((await closed)[0]).toBe(0);
  } finally {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
});

test('a prober is one program', () => {
  expect(() => new Script(proberProgram('10.5.1.2'))).not.toThrow();
  expect(proberProgram('10.5.1.2')).not.toMatch(/__vi|__name/);
});
