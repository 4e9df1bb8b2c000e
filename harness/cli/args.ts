// Turns the words of a `lab` command line into a verb, its flags and its operands; pure.
import { parseArgs } from 'node:util';
import { nearest, UsageError } from '../../lib/errors.ts';

export interface Flag {
  readonly type: 'string' | 'boolean';
  /** May be given more than once; the value is then a list. */
  readonly multiple?: boolean;
  /** How the value is called in the help text. */
  readonly value?: string;
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

export interface Parsed {
  /** Values of string flags that were given. */
  text(name: string): string | undefined;
  list(name: string): readonly string[];
  on(name: string): boolean;
  /** A whole number; anything else is a usage error. */
  number(name: string): number | undefined;
  readonly operands: readonly string[];
}

/** Words after `--` are operands as they stand. */
export function parseFlags(words: readonly string[], flags: Flags, usage: string): Parsed {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true });
    return parsed(values, positionals);
  } catch (cause) {
    throw flagError(cause, Object.keys(flags), usage);
  }
}

function parsed(values: Readonly<Record<string, unknown>>, operands: readonly string[]): Parsed {
  const text = (name: string) => values[name] as string | undefined;
  return {
    text,
    list: name => (values[name] as string[] | undefined) ?? [],
    on: name => values[name] === true,
    number: name => {
      const given = text(name);
      if (given === undefined) return undefined;
      if (!/^\d+$/.test(given)) throw new UsageError(`--${name} ${given}: not a whole number`);
      return Number(given);
    },
    operands,
  };
}

function flagError(cause: unknown, known: readonly string[], usage: string): UsageError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const word = /'--?([^' =]+)/.exec(message)?.[1];
  const guess = word === undefined ? undefined : nearest(word, known);
  const unknown = /Unknown option/.test(message);
  const said = unknown && word !== undefined ? `unknown flag --${word}` : message;
  return new UsageError(`${said}${unknown && guess ? `, did you mean --${guess}?` : ''}`, {
    hint: usage,
    cause,
  });
}
