// Outages from what probers report, whatever order it comes in.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProbeLog, trafficSpans } from './outage.ts';

/** Probes 10 ms apart from 1000 ms on; `answers`: one letter for each, `.` answered and `x` not. */
function logOf(answers: string): ProbeLog {
  const log = new ProbeLog('node1/a', 'node2/a');
  const sent = [...answers].map((_, index) => [index + 1, 1000 + index * 10] as const);
  const got = sent.map(([number]) => number).filter(number => answers[number - 1] === '.');
  log.add({ sent, got, rewritten: [] });
  return log;
}

test('an outage lasts from the first probe lost to the first one answered after it', () => {
  expect(logOf('..xxx.x.').outages()).toEqual([
    { from: 'node1/a', to: 'node2/a', begin: 1020, last: 1040, end: 1050, lost: 3 },
    { from: 'node1/a', to: 'node2/a', begin: 1060, last: 1060, end: 1070, lost: 1 },
  ]);
});

test('what is still under way is not lost, and what nobody has answered for a second is', () => {
  expect(logOf('..xxx').outages()).toEqual([]);
  expect(logOf(`..${'x'.repeat(102)}`).outages()).toEqual([
    { from: 'node1/a', to: 'node2/a', begin: 1020, last: 2030, end: undefined, lost: 102 },
  ]);
});

test('an answer that is late fills the gap', () => {
  const log = logOf('.x.');
  expect(log.outages()).toHaveLength(1);
  log.add({ sent: [], got: [2], rewritten: [] });
  expect(log.outages()).toEqual([]);
});

test('only probes of the time asked for count', () => {
  const log = logOf('.xx..xx.');
  expect(log.outages(1030, 1070)).toMatchObject([{ begin: 1050, lost: 2 }]);
  expect(log.sent(1030, 1070)).toBe(5);
  expect(log.answeredSince(1070)).toBe(true);
  expect(logOf('..xx').answeredSince(1020)).toBe(false);
});

test('outages are apart, in order, and hold each probe lost that a later answer proves lost, however reports are cut', () => {
  const report = fc.array(fc.constantFrom('.', 'x'), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(report, fc.array(fc.nat({ max: 59 }), { maxLength: 5 }), (letters, cuts) => {
      const answers = letters.join('');
      const whole = logOf(answers);
      const log = new ProbeLog('node1/a', 'node2/a');
      const ends = [...cuts, answers.length].toSorted((a, b) => a - b);
      let at = 0;
      for (const end of ends) {
        const numbers = Array.from({ length: Math.max(0, end - at) }, (_, index) => at + index + 1);
        const sent = numbers.map(number => [number, 990 + number * 10] as const);
        log.add({ sent: sent.slice(0, answers.length - at), got: [], rewritten: [] });
        at = Math.max(at, end);
      }
      // Answers come last, and backwards.
      const got = [...answers].flatMap((letter, index) => (letter === '.' ? [index + 1] : []));
      log.add({ sent: [], got: got.toReversed(), rewritten: [] });
      const outages = log.outages();
      expect(outages).toEqual(whole.outages());
      const proven = [...answers.slice(0, answers.lastIndexOf('.') + 1)].filter(letter => letter === 'x');
      expect(outages.reduce((sum, { lost }) => sum + lost, 0)).toBe(proven.length);
      for (const [index, { begin, last, end = Number.POSITIVE_INFINITY }] of outages.entries()) {
        expect(begin).toBeLessThanOrEqual(last);
        expect(last).toBeLessThan(end);
        expect(outages[index + 1]?.begin ?? Number.POSITIVE_INFINITY).toBeGreaterThan(end);
      }
    }),
  );
});

test('outages and rewritten sources become problems of the node they were sent from', () => {
  const log = logOf('.xx.....');
  log.add({ sent: [], got: [], rewritten: [4, 5] });
  expect(trafficSpans([log], log.outages())).toEqual([
    {
      invariant: 'containers-reach-each-other',
      node: 'node1',
      what: 'node1/a does not reach node2/a',
      begin: 1010,
      end: 1030,
    },
    {
      invariant: 'containers-reach-each-other',
      node: 'node1',
      what: 'node1/a reaches node2/a with another source address',
      begin: 1030,
      end: 1050,
    },
  ]);
});
