// Each way in which a scenario passes without having shown anything is a problem, and no other is.
import { expect, test } from 'vitest';
import { audited } from './ledger.ts';

class Subject {
  readonly #answer = 'answer';
  sent = 5;
  readonly name = 'subject';
  async expectGood() {
    return this.#answer;
  }
  async expectBad() {
    throw new Error('bad');
  }
  expectNever() {
    return new Promise<void>(() => {});
  }
  async startPinging() {
    const { sent } = this;
    return { stop: async (more: number) => ({ sent: sent * more }) };
  }
  async join() {
    return this.#answer;
  }
}

test('a check that answered is enough, and what it returns is passed on', async () => {
  const { audited: subject, account } = audited(new Subject());
  expect(await subject.expectGood()).toBe('answer');
  expect(await subject.join()).toBe('answer');
  expect(subject.name).toBe('subject');
  expect(account.problems(0)).toEqual([]);
});

test('nothing checked is a problem, unless vitest has been asked', async () => {
  const { audited: subject, account } = audited(new Subject());
  await subject.join();
  expect(account.problems(0)).toEqual(['nothing was checked']);
  expect(account.problems(1)).toEqual([]);
});

test('a check that nobody waited for is a problem', async () => {
  const { audited: subject, account } = audited(new Subject());
  void subject.expectNever();
  await subject.expectGood();
  expect(account.problems(1)).toEqual(['expectNever() was called and not awaited']);
});

test('a check that failed has not answered, and still fails', async () => {
  const { audited: subject, account } = audited(new Subject());
  await expect(subject.expectBad()).rejects.toThrow('bad');
  expect(account.problems(0)).toEqual(['nothing was checked']);
});

test('a watch that was never stopped is a problem, one that was stopped none', async () => {
  const { audited: subject, account } = audited(new Subject());
  const pinging = await subject.startPinging();
  expect(account.problems(1)).toEqual([
    'startPinging() was called, and its result never stopped and looked at',
  ]);
  expect(await pinging.stop(2)).toEqual({ sent: 10 });
  expect(account.problems(1)).toEqual([]);
});

test('pings of which none was sent are a problem', async () => {
  const { audited: subject, account } = audited(new Subject());
  await (await subject.startPinging()).stop(0);
  expect(account.problems(1)).toEqual(['startPinging() sent nothing until it was stopped']);
});
