// Commands of the configuration: what they get, what is taken of them, and what ends them.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { until } from '../../lib/wait.ts';
import { createShell, type ShellCall } from './shell.ts';

const call = (rest: Partial<ShellCall> = {}): ShellCall => ({ variables: {}, input: '', ...rest });
const run = (command: string, rest?: Partial<ShellCall>) => createShell().run(command, call(rest));

/** How many processes sleep for just so many seconds. */
async function sleepers(seconds: string): Promise<number> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name));
  const lines = pids.map(pid => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(lines)).filter(line => line === `sleep\0${seconds}\0`).length;
}

describe('a command', () => {
  test('is run by a shell, and both its outputs come as one text without blanks around it', async () =>
    expect(await run('echo; echo "a  b" >&2; for i in 1 2; do echo $i; done | tac; echo " "')).toBe(
      'a  b\n2\n1',
    ));

  test('reads its input, also more of it than fits into a pipe, and need not read it', async () => {
    const input = 'x'.repeat(1_000_000);
    expect(await run('wc -c', { input })).toBe('1000000');
    expect(await run('exec <&-; echo done', { input })).toBe('done');
  });

  test('has the environment of this process, with the variables added or taken out', async () => {
    process.env.INHERITED = 'yes';
    process.env.TAKEN = 'no';
    const variables = { GIVEN: 'a b', TAKEN: undefined };
    const output = await run('echo "$INHERITED|$GIVEN|$0"; env | grep ^TAKEN || :', { variables });
    expect(output).toBe('yes|a b|sh');
  });

  test('that fails says with what, and what it printed last', async () => {
    await expect(run('echo why; exit 3')).rejects.toThrow(/^ended with 3: why$/);
    await expect(run('kill -9 $$')).rejects.toThrow(/^was ended by SIGKILL$/);
    await expect(run('no-such-program')).rejects.toThrow(/ended with 127: .*not found/);
    await expect(run('if')).rejects.toThrow(/ended with 2: .*[Ss]yntax error/);
    const long = await run('yes 12345678 | head -n 1000; exit 1').catch((error: Error) => error.message);
    expect(long).toMatch(/^ended with 1: …/);
    expect(String(long).length).toBeLessThan(600);
  });

  test('that leaves something in the background with its output open is not waited for', async () =>
    expect(await run('sleep 3 & echo started')).toBe('started'));
});

describe('is ended with all it started', () => {
  test('a command that takes too long', async () => {
    const shell = createShell({ time: 100 });
    await expect(shell.run('echo so far; sleep 987.1 & sleep 987.1', call())).rejects.toThrow(
      /^took longer than 0.1 s: so far$/,
    );
    expect(await sleepers('987.1')).toBe(0);
  });

  test('a command that prints too much', async () =>
    await expect(createShell({ output: 1000 }).run('yes', call())).rejects.toThrow(
      /^printed more than 1000 bytes/,
    ));

  test('a command when the signal aborts, which is the reason then', async () => {
    const stop = new AbortController();
    const running = run('sleep 987.2; :', { signal: stop.signal });
    await until(async () => ((await sleepers('987.2')) ? true : undefined), {
      what: 'the start',
      timeout: 4000,
    });
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(await sleepers('987.2')).toBe(0);
    await expect(run('true', { signal: stop.signal })).rejects.toThrow('enough');
  });
});

test('commands are run one after the other, whether or not they succeed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flannel-lab-shell-'));
  try {
    const shell = createShell();
    const variables = { LOG: join(folder, 'log') };
    const command = (n: number) => `echo in ${n} >>$LOG; sleep 0.02; echo out ${n} >>$LOG; exit ${n % 2}`;
    await Promise.allSettled([1, 2, 3].map(n => shell.run(command(n), call({ variables }))));
    expect(await readFile(variables.LOG, 'utf8')).toBe('in 1\nout 1\nin 2\nout 2\nin 3\nout 3\n');
  } finally {
    await rm(folder, { recursive: true });
  }
});
