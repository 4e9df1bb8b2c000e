// A fault is proven before the scenario goes on, and mended exactly once.
import { expect, test } from 'vitest';
import { faultWindows, Journal } from '../journal.ts';
import { inject } from './fault.ts';

const signal = new AbortController().signal;

function recorded(proof: () => Promise<boolean>) {
  const calls: string[] = [];
  const note = (what: string) => async () => void calls.push(what);
  return { calls, injection: { what: 'it is broken', act: note('act'), proof, undo: note('undo') } };
}

test('disposal mends, and what is mended already is left alone', async () => {
  let asked = 0;
  const journal = new Journal();
  const { calls, injection } = recorded(async () => ++asked > 2);
  {
    await using fault = await inject(injection, journal, signal);
    expect(asked).toBe(3);
    expect(calls).toEqual(['act']);
    expect(faultWindows(journal.happenings)).toMatchObject([{ what: 'it is broken', to: undefined }]);
    await Promise.all([fault.heal(), fault.heal()]);
  }
  expect(faultWindows(journal.happenings)).toMatchObject([{ to: expect.any(Number) }]);
  expect(calls).toEqual(['act', 'undo']);
});

test('a fault without effect is mended and is an error that says what should have been', async () => {
  const { calls, injection } = recorded(async () => {
    throw new Error('it works as ever');
  });
  const attempt = inject({ ...injection, patience: 60 }, new Journal(), signal);
  await expect(attempt).rejects.toThrow(/proof that it is broken; last error: it works as ever/);
  expect(calls).toEqual(['act', 'undo']);
});
