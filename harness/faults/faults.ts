// The vocabulary of faults: `await using _ = await cluster.fault.freeze(node)` breaks, proves it, and mends at the end.
import { type Fault, inject } from './fault.ts';
import type { Act, Kind, Scene, Standing } from './kind.ts';
import { type KindName, kinds } from './kinds.ts';

type Method<K> =
  K extends Standing<infer Args, infer _>
    ? (...args: Args) => Promise<Fault>
    : K extends Act<infer Args, infer Result>
      ? (...args: Args) => Promise<Result>
      : never;

/** A method for each kind of fault. Those of what happens once resolve when it has, and give no handle. */
export type Faults = { readonly [Name in KindName]: Method<(typeof kinds)[Name]> };

/** All that another process needs to mend a fault; JSON. */
export interface Recipe {
  readonly kind: KindName;
  readonly facts: unknown;
  /** For people: `the daemon of node1 is frozen`. */
  readonly what: string;
}

export function vocabulary(scene: Scene): Faults {
  const names = Object.keys(kinds) as KindName[];
  const methods = names.map(name => [name, (...args: unknown[]) => begin(scene, name, args)]);
  return Object.fromEntries(methods) as Faults;
}

/** Resolves with the handle of a fault that stands, or with the result of what happens once. `noted`: before it is made. */
export async function begin(
  scene: Scene,
  name: KindName,
  args: readonly unknown[],
  noted: (recipe: Recipe) => Promise<void> = async () => {},
): Promise<unknown> {
  const kind: Kind = kinds[name];
  if (!('make' in kind)) {
    scene.journal.note('act', kind.what(...args));
    return kind.act(scene, ...args);
  }
  const facts = await kind.prepare(scene, ...args);
  const injection = kind.make(scene, facts);
  await noted({ kind: name, facts, what: injection.what });
  return inject(injection, scene.journal, scene.signal);
}

/** Mends what another process has broken. */
export async function mend(scene: Scene, { kind: name, facts }: Recipe): Promise<void> {
  const kind: Kind = kinds[name];
  if ('make' in kind) await kind.make(scene, facts).undo();
}
