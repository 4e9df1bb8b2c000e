// Figures from what iperf3 3.12 prints, shortened.
import { expect, test } from 'vitest';
import { carried, megabitsPerSecond } from './iperf3.ts';

const forth = { start: 0, end: 4, seconds: 4, bytes: 500_000_000, bits_per_second: 1e9, sender: true };
const back = { ...forth, bytes: 250_000_000, bits_per_second: 5e8 };

test('TCP: what was received, not what was sent', () => {
  const sent = { ...forth, bytes: 600_000_000, retransmits: 0 };
  const text = JSON.stringify({ start: {}, intervals: [], end: { sum_sent: sent, sum_received: forth } });
  expect(carried(text)).toEqual({ bytes: 500_000_000, seconds: 4, lostPercent: 0 });
  expect(megabitsPerSecond(carried(text))).toBe(1000);
});

test('both directions at once are added', () => {
  const end = { sum_received: forth, sum_sent_bidir_reverse: forth, sum_received_bidir_reverse: back };
  expect(megabitsPerSecond(carried(JSON.stringify({ end })))).toBe(1500);
});

test('UDP: what was lost is not counted', () => {
  const sum = { seconds: 3, bytes: 24_044_160, lost_packets: 81_790, packets: 375_690, lost_percent: 21.77 };
  const received = { ...sum, bytes: 18_792_128, packets: 375_417 };
  const text = JSON.stringify({
    end: { sum, sum_sent: { ...sum, lost_packets: 0 }, sum_received: received },
  });
  expect(carried(text)).toEqual({ bytes: 18_792_128, seconds: 3, lostPercent: 21.77 });
});

test('what iperf3 complains of is the error', () => {
  const text = JSON.stringify({ intervals: [], end: {}, error: 'unable to connect to server' });
  expect(() => carried(text)).toThrow('iperf3: unable to connect to server');
  expect(() => carried('{"end":{}}')).toThrow('does not say what was received');
});
