// A ping that is answered by nobody proves that pings can fail; one that is answered is a harness that lies.
import { expect, test } from 'vitest';
import type { RunResult } from '../../lib/run.ts';
import type { WorkloadHandle } from '../drivers/driver.ts';
import { nobodyBeside, provePingsFail } from './ping-proof.ts';

let asked = 0;
function workload(answer: () => Promise<string>): WorkloadHandle {
  const run = async (): Promise<RunResult> => {
    asked++;
    return { code: 0, stdout: await answer(), stderr: '' };
  };
  return { name: 'node1/a', address: '10.5.3.2', run, commandLine: argv => argv, enter: ['true'] };
}

test('the address is of the same subnet and nobody’s', () => {
  expect(nobodyBeside('10.5.3.2')).toBe('10.5.3.254');
});

test('a ping that counts as answered fails the proof, each time', async () => {
  const lying = workload(async () => '10.5.3.254\n');
  await expect(provePingsFail('lying', lying)).rejects.toThrow('to 10.5.3.254, which nobody has');
  await expect(provePingsFail('lying', lying)).rejects.toThrow('no ping here says anything');
});

test('it is shown once for each place', async () => {
  asked = 0;
  const honest = workload(async () => '');
  await provePingsFail('one', honest);
  await provePingsFail('one', honest);
  expect(asked).toBe(1);
  await provePingsFail('another', honest);
  expect(asked).toBe(2);
});

test('a container that cannot be asked shows nothing, and the next one is asked', async () => {
  asked = 0;
  const gone = workload(async () => {
    throw new Error('the node is gone');
  });
  await provePingsFail('gone', gone);
  await provePingsFail(
    'gone',
    workload(async () => ''),
  );
  expect(asked).toBe(2);
});

test('without containers there is nothing to show', async () => {
  await provePingsFail('none', undefined);
});
