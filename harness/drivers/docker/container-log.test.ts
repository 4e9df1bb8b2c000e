// The text in the frames of a container's log.
import { expect, test } from 'vitest';
import { textOf } from './container-log.ts';

const frame = (stream: number, text: string) =>
  Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, 0, Buffer.byteLength(text)]), Buffer.from(text)]);

test('frames of both streams are joined in their order', () => {
  expect(textOf(Buffer.concat([frame(1, 'é one\n'), frame(2, 'two\n'), frame(1, 'three')]))).toBe(
    'é one\ntwo\nthree',
  );
});

test('an empty log is empty text, and a frame that is cut off ends it', () => {
  expect(textOf(Buffer.alloc(0))).toBe('');
  expect(textOf(Buffer.concat([frame(1, 'one\n'), frame(1, 'two\n').subarray(0, 5)]))).toBe('one\n');
});
