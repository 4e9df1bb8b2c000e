// What versions of iptables are asked to do, and that each is only asked for what it knows.
import { describe, expect, test } from 'vitest';
import { type Argv, CommandError, quote, type Runner } from '../../lib/run.ts';
import { MissingTool } from './firewall.ts';
import { createIptables, isAtLeast } from './iptables.ts';

const signal = AbortSignal.timeout(10_000);

/** A host whose iptables says this of itself; undefined when it has none. */
function host(version: string | undefined) {
  const ran: string[] = [];
  const runner: Runner = {
    async run(argv: Argv) {
      ran.push(quote(argv));
      if (version !== undefined) return { code: 0, stdout: `${version}\n`, stderr: '' };
      const facts = { argv, code: undefined, signal: undefined, stdout: '', stderr: '' };
      throw new CommandError(
        { ...facts, milliseconds: 0, timedOut: false },
        Object.assign(new Error('spawn'), { code: 'ENOENT' }),
      );
    },
  };
  return { ran, runner };
}

describe.each([
  ['iptables v1.4.21', false],
  ['iptables v1.6.1', false],
  ['iptables v1.6.2', true],
  ['iptables v1.8.9 (nf_tables)', true],
  ['iptables v1.10.0 (legacy)', true],
  ['something else', false],
] as const)('%s', (version, isNew) => {
  test(`is ${isNew ? '' : 'not '}asked to wait for the lock`, async () => {
    const { ran, runner } = host(version);
    const iptables = createIptables(runner, 'iptables');
    await iptables.restore('', signal);
    await iptables.restore('', signal);
    const restore = `iptables-restore --noflush${isNew ? ' --wait 5' : ''}`;
    expect(ran).toEqual(['iptables --version', restore, restore]);
    expect(await iptables.features(signal)).toEqual({ randomFully: isNew });
  });
});

test('IPv6 has programs of its own', async () => {
  const { ran, runner } = host('ip6tables v1.8.9 (nf_tables)');
  const ip6tables = createIptables(runner, 'ip6tables');
  await ip6tables.save(signal);
  await ip6tables.restore('', signal);
  expect(ran).toEqual(['ip6tables-save', 'ip6tables --version', 'ip6tables-restore --noflush --wait 5']);
});

test('a program that is missing is asked for again each time', async () => {
  const { ran, runner } = host(undefined);
  const iptables = createIptables(runner, 'iptables');
  for (let round = 0; round < 2; round++)
    await expect(iptables.features(signal)).rejects.toThrow(MissingTool);
  expect(ran).toHaveLength(2);
  await expect(iptables.save(signal)).rejects.toThrow('iptables-save is not installed');
});

test('versions are compared by number', () => {
  expect(isAtLeast('1.10', [1, 6, 2])).toBe(true);
  expect(isAtLeast('1.6', [1, 6, 2])).toBe(false);
  expect(isAtLeast('2', [1, 6, 2])).toBe(false);
});
