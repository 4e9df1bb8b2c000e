// Log lines: one line each, whatever is in them, as text and as JSON.
import { expect, test } from 'vitest';
import { createLogger } from './log.ts';

const now = () => new Date('2026-01-31T10:11:12.131Z');
const lines = (format: 'text' | 'json') => {
  const written: string[] = [];
  const log = createLogger({ write: (line, level) => void written.push(`${level}: ${line}`), format, now });
  log.info('lease\nacquired', { subnet: '10.5.3.0/24', why: 'two words', none: undefined, n: 3 });
  log.debug('not asked for');
  log.error('over', { stack: 'a\nb' });
  return written;
};

test('as text', () =>
  expect(lines('text')).toEqual([
    'info: 2026-01-31T10:11:12.131Z info  lease\\nacquired subnet=10.5.3.0/24 why="two words" n=3',
    'error: 2026-01-31T10:11:12.131Z error over stack="a\\nb"',
  ]));

test('as JSON', () =>
  expect(lines('json')).toEqual([
    'info: {"time":"2026-01-31T10:11:12.131Z","level":"info","message":"lease\\nacquired","subnet":"10.5.3.0/24","why":"two words","n":3}',
    'error: {"time":"2026-01-31T10:11:12.131Z","level":"error","message":"over","stack":"a\\nb"}',
  ]));
