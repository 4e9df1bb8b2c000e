// Which command comes next: new, changed, gone and failing peers, and whatever order all of that comes in.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PeerQueue, removalTries, type Targets, type Task } from './peer-queue.ts';

const wantedOf = (peers: Readonly<Record<string, string>>): Targets =>
  new Map(
    Object.entries(peers).map(([key, data]) => [
      key,
      { key, variables: {}, data, identity: `${key} ${data}` },
    ]),
  );
const text = (task: Task | number) =>
  typeof task === 'number' ? task : `${task.verb} ${task.target.identity}`;

/** Carries out everything that is due at `now`; `fails` tells what does not work. */
function drain(queue: PeerQueue, wanted: Targets, now = 0, fails: (task: string) => boolean = () => false) {
  const done: string[] = [];
  for (let limit = 0; limit < 1000; limit++) {
    const task = queue.next(wanted, now);
    if (typeof task === 'number') return { done, pause: task };
    const succeeded = !fails(text(task) as string);
    done.push(`${text(task)}${succeeded ? '' : ' failed'}`);
    queue.report(task, succeeded, wanted, now);
  }
  return expect.unreachable('it never ends');
}

describe('peers', () => {
  test('are added once, and removed when they leave', () => {
    const queue = new PeerQueue();
    expect(drain(queue, wantedOf({ a: '1', b: '1' }))).toEqual({
      done: ['add a 1', 'add b 1'],
      pause: Infinity,
    });
    expect(drain(queue, wantedOf({ a: '1', b: '1' })).done).toEqual([]);
    expect(drain(queue, wantedOf({ b: '1', c: '1' })).done).toEqual(['remove a 1', 'add c 1']);
    expect(drain(queue, wantedOf({})).done).toEqual(['remove b 1', 'remove c 1']);
  });

  test('that change are removed as they were and added as they are', () => {
    const queue = new PeerQueue();
    drain(queue, wantedOf({ a: '1' }));
    expect(drain(queue, wantedOf({ a: '2' })).done).toEqual(['remove a 1', 'add a 2']);
    const fails = (task: string) => task.startsWith('remove');
    expect(drain(queue, wantedOf({ a: '3' }), 0, fails).done).toEqual(['remove a 2 failed', 'add a 3']);
  });

  test('that cannot be added do not hold up others, and are tried later and later', () => {
    const queue = new PeerQueue();
    const fails = (task: string) => task.includes(' a ');
    const wanted = wantedOf({ a: '1', b: '1' });
    const first = drain(queue, wanted, 0, fails);
    expect(first.done).toEqual(['add a 1 failed', 'add b 1']);
    expect(first.pause).toBeGreaterThan(500);
    expect(first.pause).toBeLessThanOrEqual(1000);
    let now = 0;
    let pause = first.pause;
    for (let attempt = 0; attempt < 20; attempt++) {
      now += pause;
      const next = drain(queue, wanted, now, fails);
      expect(next.done).toEqual(['add a 1 failed']);
      pause = next.pause;
    }
    expect(pause).toBeLessThanOrEqual(300_000);
    expect(pause).toBeGreaterThan(200_000);
    expect(drain(queue, wantedOf({ b: '1' }), now, () => false).done).toEqual(['remove a 1']);
  });

  test('that hang are taken by turns', () => {
    const queue = new PeerQueue();
    const wanted = wantedOf({ a: '1', b: '1', c: '1' });
    const tried: (string | number)[] = [];
    for (let now = 0; tried.length < 9; ) {
      const task = queue.next(wanted, now);
      now += typeof task === 'number' ? task : 1_000_000;
      if (typeof task === 'number') continue;
      tried.push(task.target.key);
      queue.report(task, false, wanted, now);
    }
    expect(tried.join('')).toBe('abcabcabc');
  });

  test('that cannot be removed are given up after a few attempts', () => {
    const queue = new PeerQueue();
    drain(queue, wantedOf({ a: '1' }));
    const done: string[] = [];
    let now = 0;
    for (let pause = 0; pause !== Infinity; now += pause) {
      const next = drain(queue, wantedOf({}), now, () => true);
      done.push(...next.done);
      pause = next.pause;
    }
    expect(done).toEqual(Array(removalTries).fill('remove a 1 failed'));
  });

  test('that an earlier run has added are removed when they are gone or different, and added again in any case', () => {
    const earlier = [...wantedOf({ a: '1', b: '1', c: '1' }).values()];
    const queue = new PeerQueue(earlier);
    const wanted = wantedOf({ a: '1', b: '2', d: '1' });
    const { done, pause } = drain(queue, wanted);
    expect(done).toEqual(['remove b 1', 'remove c 1', 'add b 2', 'add d 1', 'add a 1']);
    expect(pause).toBe(Infinity);
    expect(new Set(queue.targets)).toEqual(new Set(wanted.values()));
  });

  test('that come back while their removal fails are added again', () => {
    const queue = new PeerQueue();
    drain(queue, wantedOf({ a: '1' }));
    const { pause } = drain(queue, wantedOf({}), 0, () => true);
    expect(drain(queue, wantedOf({ a: '1' }), pause).done).toEqual(['add a 1']);
  });
});

test('whatever comes and fails on the way, in the end exactly the peers that are there are added', () => {
  const peers = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'));
  const steps = fc.array(fc.tuple(peers, fc.nat(3), fc.infiniteStream(fc.boolean())), { maxLength: 10 });
  fc.assert(
    fc.property(steps, peers, (history, last) => {
      const queue = new PeerQueue();
      const world = new Set<string>();
      let now = 0;
      const live = (state: Record<string, string>, fails: () => boolean, tasks: number) => {
        const wanted = wantedOf(state);
        for (let count = 0; count < tasks; count++) {
          const task = queue.next(wanted, now);
          if (typeof task === 'number') {
            if (task === Infinity) return;
            now += task;
            continue;
          }
          const succeeded = !(fails() && task.verb === 'add');
          if (succeeded && task.verb === 'add') world.add(task.target.identity);
          if (succeeded && task.verb === 'remove') world.delete(task.target.identity);
          queue.report(task, succeeded, wanted, now);
        }
      };
      for (const [state, tasks, failures] of history)
        live(state, () => failures.next().value ?? false, tasks);
      live(last, () => false, 1000);
      expect([...world].sort()).toEqual([...wantedOf(last).values()].map(({ identity }) => identity).sort());
    }),
  );
});
