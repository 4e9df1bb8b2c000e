// Something broken on purpose: proven to be broken, and mended when the scenario lets go of it.
import { until } from '../../lib/wait.ts';
import type { Journal } from '../journal.ts';

export interface Fault extends AsyncDisposable {
  /** For people: `the daemon of node1 is frozen`. */
  readonly what: string;
  /** Mends it, once; disposal does the same. */
  heal(): Promise<void>;
}

export interface Injection {
  readonly what: string;
  readonly act: () => Promise<unknown>;
  /** Whether it took effect. */
  readonly proof: () => Promise<boolean>;
  readonly undo: () => Promise<unknown>;
  /** Milliseconds until it must have taken effect. Default 10 s. */
  readonly patience?: number;
}

/** Rejects, with everything mended, when the fault cannot be made or shows no effect. */
export async function inject(
  { what, act, proof, undo, patience = 10_000 }: Injection,
  journal: Journal,
  signal: AbortSignal,
): Promise<Fault> {
  const over = journal.fault(what);
  let healing: Promise<void> | undefined;
  const heal = (): Promise<void> => {
    healing ??= undo().then(over);
    return healing;
  };
  const took = async () => ((await proof()) ? true : undefined);
  try {
    await act();
    await until(took, { what: `proof that ${what}`, timeout: patience, interval: 50, signal });
  } catch (error) {
    await heal().catch(() => {});
    throw error;
  }
  return { what, heal, [Symbol.asyncDispose]: heal };
}
