// The daemon's processes: input, output, codes, deadlines and aborts, as lib/run.ts promises them.
import { describe, expect, test } from 'vitest';
import { CommandError, localRunner } from '../../lib/run.ts';
import { spawnLines, spawnRunner } from './spawn.ts';

const never = new AbortController().signal;

describe.each([
  ['the daemon’s', spawnRunner],
  ['the shared', localRunner],
])('%s runner', (_name, runner) => {
  test('passes input and gives output', async () => {
    const result = await runner.run(['sh', '-c', 'cat; echo err >&2'], { input: 'in' });
    expect(result).toMatchObject({ code: 0, stdout: 'in', stderr: 'err\n' });
  });

  test('lets the codes through that are accepted, and no others', async () => {
    expect(await runner.run(['sh', '-c', 'exit 3'], { okCodes: [0, 3] })).toMatchObject({ code: 3 });
    await expect(runner.run(['sh', '-c', 'echo why >&2; exit 3'])).rejects.toThrow(/exited with 3:\nwhy/);
  });

  test('a program that is not there could not be started', async () => {
    const failure = await runner.run(['no-such-program']).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandError);
    expect(failure).toMatchObject({ facts: { code: undefined }, cause: { code: 'ENOENT' } });
  });

  test('a deadline kills, an abort rejects with its reason', async () => {
    await expect(runner.run(['sleep', '60'], { timeout: 50 })).rejects.toThrow(/timed out after/);
    const stop = new AbortController();
    const running = runner.run(['sleep', '60'], { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });

  test('does not mind a program that does not read its input', async () => {
    expect(await runner.run(['true'], { input: 'x'.repeat(1_000_000) })).toMatchObject({ code: 0 });
  });
});

describe('lines', () => {
  test('come one by one and end with the process', async () => {
    expect(await Array.fromAsync(spawnLines(['printf', 'a\nb\n'], never))).toEqual(['a', 'b']);
  });

  test('a process that cannot be started throws, an abort throws', async () => {
    if (process.platform === 'linux') {
      const stop = new AbortController();
      const reading = Array.fromAsync(spawnLines(['sleep', '60'], stop.signal));
      stop.abort();
      await expect(reading).rejects.toThrow();
    }
  });
});
