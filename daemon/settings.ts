// The value of each flag, those given or the table's, with complaints that name where it came from.
import { UsageError } from '../lib/errors.ts';
import type { Given } from './command-line.ts';
import { parseChoice, parseDuration, parseNumber, parseSwitch } from './flag-values.ts';
import { type FlagName, flags } from './flags.ts';

/** Each accessor throws a UsageError for a value that is none of its kind. */
export function settingsOf(given: ReadonlyMap<string, Given>) {
  const last = (name: FlagName) => given.get(name)?.values.at(-1) ?? flags[name].initial;
  const source = (name: FlagName) => given.get(name)?.source ?? `-${name}`;
  return {
    text: last,
    source,
    /** Without empty ones, which upstream takes for not given. */
    list: (name: FlagName) => given.get(name)?.values.filter(Boolean) ?? [],
    toggle: (name: FlagName) => parseSwitch(source(name), last(name)),
    number: (name: FlagName) => parseNumber(source(name), last(name)),
    duration: (name: FlagName) => parseDuration(source(name), last(name)),
    choice: <T extends string>(name: FlagName, known: readonly T[]) =>
      parseChoice(source(name), last(name), known),
    /** Undefined when empty. */
    checked: (name: FlagName, is: (value: string) => boolean, what: string) => {
      const value = last(name);
      if (value && !is(value)) throw new UsageError(`${source(name)} ${value} is not ${what}`);
      return value || undefined;
    },
  };
}

export type Settings = ReturnType<typeof settingsOf>;
