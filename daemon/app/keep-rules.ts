// Keeps the iptables rules in place and in order, whatever else flushes, inserts or restores around them.
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { sleep } from '../../lib/wait.ts';
import { type Features, type Firewall, MissingTool } from '../kernel/firewall.ts';
import { planRules, type RuleSet } from '../model/rules.ts';

export interface RulesKeeping {
  readonly firewall: Firewall;
  readonly wanted: (features: Features) => readonly RuleSet[];
  /** Seconds between two looks. */
  readonly resync: number;
  readonly log: Logger;
  /** Called after the first attempt, successful or not. */
  readonly attempted: () => void;
}

/** Seconds between two attempts while they fail. */
const retryAfter = 60;

/** Ends only when the signal aborts, with its reason. The rules stay. */
export async function keepRules(keeping: RulesKeeping, signal: AbortSignal): Promise<never> {
  const { resync, log, attempted } = keeping;
  let said: string | undefined;
  for (;;) {
    let trouble: string | undefined;
    try {
      trouble = await restoreRules(keeping, signal);
    } catch (error) {
      signal.throwIfAborted();
      trouble = troubleOf(error, keeping);
    }
    if (trouble !== undefined && trouble !== said) log.warn(trouble);
    if (trouble === undefined && said !== undefined) log.info('the iptables rules are in place again');
    said = trouble;
    attempted();
    await sleep((trouble === undefined ? resync : Math.max(resync, retryAfter)) * 1000, signal);
  }
}

/** One look, and one change if needed. Says what is wrong when the change did not bring what it should. */
async function restoreRules(
  { firewall, wanted, log }: RulesKeeping,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [saved, features] = await Promise.all([firewall.save(signal), firewall.features(signal)]);
  const sets = wanted(features);
  const plan = planRules(sets, saved);
  if (plan === undefined) return undefined;
  await firewall.restore(plan, signal);
  log.info('iptables rules put in place', { chains: sets.map(({ chain }) => chain).join() });
  // Otherwise a rule that reads back differently would be written again at each look.
  if (planRules(sets, await firewall.save(signal)) === undefined) return undefined;
  return 'iptables does not keep the rules as they were given; checking them less often';
}

function troubleOf(error: unknown, { wanted }: RulesKeeping): string | undefined {
  if (!(error instanceof MissingTool))
    return `cannot put the iptables rules in place: ${describeError(error)}`;
  const chains = wanted({ randomFully: false }).flatMap(({ rules, chain }) => (rules ? [chain] : []));
  if (chains.length === 0) return undefined; // there is nothing to put, and so nothing to remove
  return `${error.message}: running without ${chains.join(' and ')}; install it, or give -iptables-forward-rules=false`;
}
