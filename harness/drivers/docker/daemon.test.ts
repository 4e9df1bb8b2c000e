// What systemd says of flanneld.service, as the state of a daemon.
import { expect, test } from 'vitest';
import { parseState } from './daemon.ts';

const show = (pid: number, code: number, status: number) =>
  parseState(`MainPID=${pid}\nExecMainCode=${code}\nExecMainStatus=${status}\n`);

test('a daemon that was never started has no exit code', () => {
  expect(show(0, 0, 0)).toEqual({ running: false });
});

test('a running daemon has a process, whatever its predecessor ended with', () => {
  expect(show(41, 1, 7)).toEqual({ running: true, pid: 41 });
});

test('the exit code is its own, or that of a shell for a signal', () => {
  expect(show(0, 1, 7)).toEqual({ running: false, exitCode: 7 });
  expect(show(0, 2, 9)).toEqual({ running: false, exitCode: 137 });
});
