// Puts all checks of a purpose to the facts; one that fails says so instead of ending the others.
import { describeError } from '../../lib/errors.ts';
import type { Check, Finding, Purpose } from './check.ts';
import type { Facts } from './facts.ts';

export interface Diagnosis extends Finding {
  readonly check: string;
  readonly why: string;
}

export function diagnose(checks: readonly Check[], facts: Facts, purpose: Purpose): readonly Diagnosis[] {
  return checks
    .filter(({ purposes }) => purposes.includes(purpose))
    .map(check => ({ check: check.name, why: check.why, ...judged(check, facts, purpose) }));
}

function judged({ judge }: Check, facts: Facts, purpose: Purpose): Finding {
  try {
    return judge(facts, purpose);
  } catch (error) {
    return {
      state: 'unknown',
      saw: `what was read makes no sense: ${describeError(error).split('\n', 1)[0]}`,
    };
  }
}
