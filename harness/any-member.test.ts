// One member that is gone, or mute, costs a question a tenth of a second, and no order is given twice.
import { expect, test } from 'vitest';
import { AnyMember } from './any-member.ts';

type Ask = () => Promise<string>;

const dead: Ask = async () => {
  throw new Error('refused');
};
const mute: Ask = () => new Promise(() => {});
const good =
  (name: string): Ask =>
  async () =>
    name;

function members(...clients: Ask[]) {
  const asked: number[] = [];
  let moves = 0;
  const noted = clients.map((client, at) => () => {
    asked.push(at);
    return client();
  });
  const any = new AnyMember(noted, { probe: client => client(), moved: () => moves++ });
  return { any, asked, moves: () => moves };
}

const ask = (client: Ask) => client();

test('one alone is asked once, and its error is the error', async () => {
  const { any, asked } = members(dead);
  await expect(any.read(ask)).rejects.toThrow('refused');
  await expect(any.write(ask)).rejects.toThrow('refused');
  expect(asked).toEqual([0, 0]);
});

test('while the one in use answers, nobody else is asked', async () => {
  const { any, asked, moves } = members(good('a'), good('b'), good('c'));
  expect(await any.read(ask)).toBe('a');
  expect(await any.read(ask)).toBe('a');
  expect([asked, moves()]).toEqual([[0, 0], 0]);
});

test.each([
  ['dead', dead],
  ['mute', mute],
])('one that is %s is left for one that answers', async (_, first) => {
  const { any, asked, moves } = members(first, first, good('c'));
  const started = performance.now();
  expect(await any.read(ask)).toBe('c');
  expect(performance.now() - started).toBeLessThan(1000);
  expect(await any.read(ask)).toBe('c');
  expect([asked, moves()]).toEqual([[0, 1, 2, 2], 1]);
});

test('when nobody answers, the error is that of the one in use', async () => {
  const other: Ask = async () => {
    throw new Error('no leader');
  };
  const { any, moves } = members(dead, other, other);
  await expect(any.read(ask)).rejects.toThrow('refused');
  expect(moves()).toBe(0);
});

test('while they elect a leader, they are asked again', async () => {
  let elections = 3;
  const electing: Ask = async () => {
    if (elections-- > 0) throw new Error('leader changed');
    return 'b';
  };
  const isElecting = (error: unknown) => String(error).includes('leader');
  const any = new AnyMember([dead, electing], { probe: ask, isElecting });
  expect(await any.read(ask)).toBe('b');
});

test('an order goes to one that has just answered, once', async () => {
  const { any } = members(dead, good('b'));
  const ordered: string[] = [];
  const order = async (client: Ask) => {
    ordered.push(await client());
    throw new Error('lost on the way back');
  };
  await expect(any.write(order)).rejects.toThrow('lost on the way back');
  expect(ordered).toEqual(['b']);
});
