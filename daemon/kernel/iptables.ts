// The packet filter through iptables, iptables-save and iptables-restore, of either kind (legacy or nft) and family.
import type { Runner } from '../../lib/run.ts';
import type { Features, RuleTool } from './firewall.ts';
import { probeOnce, runTool } from './tool.ts';

/** Seconds to wait for another program that holds the lock. */
const lockWait = 5;

export function createIptables(runner: Runner, program: 'iptables' | 'ip6tables'): RuleTool {
  const features = probeOnce(signal => probe(runner, program, signal));
  return {
    features,
    save: async signal => (await runTool(runner, [`${program}-save`], { signal })).stdout,
    async restore(input, signal) {
      // The same version brought both.
      const { randomFully } = await features(signal);
      const wait = randomFully ? ['--wait', String(lockWait)] : [];
      await runTool(runner, [`${program}-restore`, '--noflush', ...wait], { input, signal });
    },
  };
}

async function probe(runner: Runner, program: string, signal: AbortSignal): Promise<Features> {
  const { stdout } = await runTool(runner, [program, '--version'], { signal });
  return { randomFully: isAtLeast(stdout, [1, 6, 2]) };
}

/** Whether the first version number in `text` is `least` or later. */
export function isAtLeast(text: string, least: readonly number[]): boolean {
  const version = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text)?.slice(1).map(Number) ?? [];
  for (const [index, wanted] of least.entries()) {
    const part = version[index] || 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
