// Keeps the traffic rules in place and in order, whatever else flushes, inserts or restores around them.
import { describeError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { sleep } from '../../lib/wait.ts';
import { MissingTool } from '../kernel/firewall.ts';
import type { Observe } from '../operations/happening.ts';
import type { Look, RuleKeeper } from './rule-keepers.ts';

export interface RulesKeeping {
  readonly keeper: RuleKeeper;
  /** Seconds between two looks, and until a failed one is tried again. */
  readonly resync: number;
  readonly log: Logger;
  /** Called after the first look, successful or not. */
  readonly attempted: () => void;
  readonly observe: Observe;
}

/**
 * Keeps the rules with all keepers; each starts when the one before it has looked once, so that a change of mode puts
 * the new rules in place before it removes the old. `attempted` is called when all have. Ends only when the signal
 * aborts, with its reason.
 */
export async function keepAllRules(
  keepers: readonly RuleKeeper[],
  { attempted, ...common }: Omit<RulesKeeping, 'keeper'>,
  signal: AbortSignal,
): Promise<void> {
  const loops: Promise<void>[] = [];
  for (const keeper of keepers) {
    const looked = Promise.withResolvers<void>();
    const loop = keepRules({ ...common, keeper, attempted: looked.resolve }, signal);
    loop.catch(() => {}); // it is awaited below
    loops.push(loop);
    await Promise.race([looked.promise, loop]);
  }
  attempted();
  await Promise.all(loops);
}

/** Seconds between two looks when what is given does not read back. */
const driftResync = 60;

/** Ends when the keeper has nothing more to do; rejects with the signal's reason when it aborts. The rules stay. */
async function keepRules(keeping: RulesKeeping, signal: AbortSignal): Promise<void> {
  const { keeper, resync, log, attempted, observe } = keeping;
  const say = createSayings(keeper, log);
  for (;;) {
    const result = await attempt(keeper, signal);
    say(result);
    if (!(result instanceof Error) && result.changed) observe({ kind: 'rules' });
    attempted();
    const isMissing = result instanceof MissingTool;
    if (keeper.once && (isMissing || !(result instanceof Error))) return;
    const drifts = !(result instanceof Error) && result.drifts;
    await sleep((drifts ? Math.max(resync, driftResync) : resync) * 1000, signal);
  }
}

async function attempt(keeper: RuleKeeper, signal: AbortSignal): Promise<Look | Error> {
  try {
    return await keeper.look(signal);
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error : new Error(describeError(error));
  }
}

/** One line for each change of state, not for each look. */
function createSayings({ tool, without, once }: RuleKeeper, log: Logger): (result: Look | Error) => void {
  let said: string | undefined;
  let warned = false;
  return result => {
    const trouble = troubleOf(result);
    if (trouble !== undefined && trouble !== said) log.warn(trouble);
    if (trouble === undefined && said !== undefined) log.info(`the ${tool} rules are in place again`);
    said = trouble;
    if (result instanceof Error) return;
    if (result.changed) log.info(`${tool} rules ${once ? 'of an earlier run removed' : 'put in order'}`);
    if (result.predictable && !warned)
      log.warn(`this ${tool} cannot choose ports fully at random; masquerading without that`);
    warned ||= result.predictable;
  };

  function troubleOf(result: Look | Error): string | undefined {
    if (result instanceof MissingTool) {
      if (without === undefined) return undefined;
      return `${result.message}: running without ${without}; install it, or turn off -iptables-forward-rules and -ip-masq`;
    }
    if (result instanceof Error) return `cannot put the ${tool} rules in place: ${describeError(result)}`;
    return result.drifts
      ? `${tool} does not keep the rules as they were given; checking them less often`
      : undefined;
  }
}
