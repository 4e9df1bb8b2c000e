// Values of flags, read as Go's flag package reads them.
import { UsageError } from '../lib/errors.ts';

/** Throws UsageError unless it is one of Go's words for true and false. */
export function parseSwitch(name: string, value: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new UsageError(`invalid boolean value "${value}" for ${name}`);
}

/** An integer with any of Go's prefixes: 60, 0x3c, 0o74, 0b111100, and 074 as octal. Throws UsageError. */
export function parseNumber(name: string, value: string): number {
  const plain = value.replaceAll('_', '').replace(/^([+-]?)0(?=[0-7])/, '$10o');
  const [, sign, digits = ''] = /^([+-]?)(0x[0-9a-f]+|0o[0-7]+|0b[01]+|\d+)$/i.exec(plain) ?? [];
  const number = digits === '' ? Number.NaN : Number(digits);
  if (!Number.isSafeInteger(number)) throw new UsageError(`invalid value "${value}" for ${name}`);
  return sign === '-' ? -number : number;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Seconds, from whole minutes (as upstream has it) or from `90s`, `5m`, `24h`. Throws UsageError. */
export function parseDuration(name: string, value: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)([smh])$/.exec(value) ?? [];
  const seconds = units[unit];
  return seconds === undefined ? parseNumber(name, value) * 60 : Number(amount) * seconds;
}

/** Throws UsageError unless it is one of `known`, in any case; returns it as it is in `known`. */
export function parseChoice<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find(one => one.toLowerCase() === value.toLowerCase());
  if (found === undefined)
    throw new UsageError(`invalid value "${value}" for ${name}: it is one of ${known.join(', ')}`);
  return found;
}
