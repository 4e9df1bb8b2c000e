// Flags and FLANNELD_* variables as they were given: which, with what words, and from where.
import { nearest, UsageError } from '../lib/errors.ts';
import { type Flag, flagTable } from './flags.ts';

/** What was given for one flag. */
export interface Given {
  /** As the user would name it: `-etcd-prefix` or `FLANNELD_ETCD_PREFIX`. */
  readonly source: string;
  /** In order; at least one. */
  readonly values: readonly string[];
}

export interface Words {
  readonly given: ReadonlyMap<string, Given>;
  /** What follows the flags, without what may be secret. */
  readonly ignored: readonly string[];
}

/**
 * Reads `-x v`, `-x=v` and the same with two dashes; switches only as `-x` or `-x=v`; the first word that is no flag
 * ends them. Throws UsageError for what is no flag of the table.
 */
export function readFlags(args: readonly string[]): Words {
  const given = new Map<string, Given>();
  let before: Flag | undefined;
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '--') return { given, ignored: withoutSecrets(args.slice(at + 1), undefined) };
    const [, flag, inline] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (flag === undefined) {
      if (!word.startsWith('-') || word === '-')
        return { given, ignored: withoutSecrets(args.slice(at), before) };
      throw new UsageError(`bad flag syntax: ${word}`);
    }
    const name = flag === 'h' ? 'help' : flag;
    const known = flagNamed(name);
    if (!known) throw unknownFlag(name);
    const value = inline ?? (known.kind === 'switch' ? 'true' : args[++at]);
    if (value === undefined) throw new UsageError(`flag needs an argument: -${name}`);
    given.set(name, { source: `-${name}`, values: [...(given.get(name)?.values ?? []), value] });
    before = known;
  }
  return { given, ignored: [] };
}

/** Adds the variables that are not empty, for flags that are not given; a list takes one element from it. */
export function withEnvironment(
  given: Words['given'],
  env: Readonly<Record<string, string | undefined>>,
): Words['given'] {
  const all = new Map(given);
  for (const name of Object.keys(flagTable)) {
    const source = `FLANNELD_${name.toUpperCase().replaceAll('-', '_')}`;
    const value = env[source];
    if (value && !all.has(name)) all.set(name, { source, values: [value] });
  }
  return all;
}

function flagNamed(name: string): Flag | undefined {
  return Object.hasOwn(flagTable, name) ? flagTable[name] : undefined;
}

function unknownFlag(name: string): UsageError {
  const near = nearest(name, Object.keys(flagTable));
  return new UsageError(
    `flag provided but not defined: -${name}`,
    near ? { hint: `did you mean -${near}?` } : {},
  );
}

/** `-ip-masq true -etcd-password=x` ends the flags at `true`; a value with a space in it ends up here as well. */
function withoutSecrets(words: readonly string[], before: Flag | undefined): readonly string[] {
  let hide = before?.secret ?? false;
  return words.map(word => {
    const [, name = '', inline] = /^--?([^=]+)(=.*)?$/s.exec(word) ?? [];
    const flag = flagNamed(name);
    if (!flag) return hide ? '…' : word;
    hide = flag.secret ?? false;
    return hide && inline !== undefined ? `-${name}=…` : word;
  });
}
