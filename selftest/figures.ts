// What the self-test found, as data and as a table; pure.
import { table } from '../lib/table.ts';

/** One thing that was tried. */
export interface Detail {
  readonly kind: 'verdict' | 'mutant' | 'kill' | 'bystander';
  /** `vxlan: no FDB entry`, `forgets-fdb`, `netns: moment 3 of 20`. */
  readonly name: string;
  readonly ok: boolean;
  /** `right` or `wrong`; `caught`, `survived` or `unclear`; `clean` or `left something`; `untouched` or `harmed`. */
  readonly outcome: string;
  /** For people. */
  readonly why: string;
  readonly seconds: number;
}

/** The stable shape of `npm run selftest -- --json`. */
export interface Figures {
  readonly verdicts: { readonly injected: number; readonly right: number };
  readonly mutants: { readonly total: number; readonly caught: number };
  readonly kills: { readonly moments: number; readonly clean: number };
  readonly details: readonly Detail[];
}

export function figuresOf(details: readonly Detail[]): Figures {
  const count = (kind: Detail['kind']) => {
    const those = details.filter(detail => detail.kind === kind);
    return { all: those.length, good: those.filter(({ ok }) => ok).length };
  };
  const [verdicts, mutants, kills] = [count('verdict'), count('mutant'), count('kill')];
  return {
    verdicts: { injected: verdicts.all, right: verdicts.good },
    mutants: { total: mutants.all, caught: mutants.good },
    kills: { moments: kills.all, clean: kills.good },
    details,
  };
}

/** A line for each thing that was tried, and one with the figures. */
export function renderFigures({ verdicts, mutants, kills, details }: Figures): string {
  const rows = details.map(({ kind, name, ok, outcome, why, seconds }) => [
    kind,
    name,
    ok ? outcome : `${outcome} <`,
    seconds.toFixed(1),
    why,
  ]);
  const sums = [
    `verdicts: ${verdicts.right} of ${verdicts.injected} right`,
    `mutants: ${mutants.caught} of ${mutants.total} caught`,
    `kills: ${kills.clean} of ${kills.moments} left nothing`,
  ];
  return `${table([['WHAT', 'NAME', 'OUTCOME', 'SECONDS', ''], ...rows])}\n\n${sums.join(', ')}`;
}
