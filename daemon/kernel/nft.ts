// The packet filter through nft: our own tables and nothing else.
import type { Runner } from '../../lib/run.ts';
import { nftTables } from '../model/nft-script.ts';
import type { Features, RuleTool } from './firewall.ts';
import { probeOnce, runTool } from './tool.ts';

export function createNft(runner: Runner): RuleTool {
  const list = async (table: string, signal: AbortSignal) => {
    // A table that cannot be listed is not there; were it for another reason, making it would say so.
    const argv = ['nft', '-a', 'list', 'table', ...table.split(' ')] as const;
    const { code, stdout } = await runTool(runner, argv, { signal, okCodes: [0, 1] });
    return code === 0 ? stdout : '';
  };
  return {
    features: probeOnce(signal => probe(runner, signal)),
    async save(signal) {
      const texts = await Promise.all(Object.values(nftTables).map(table => list(table, signal)));
      return texts.join('');
    },
    async restore(input, signal) {
      await runTool(runner, ['nft', '-f', '-'], { input, signal });
    },
  };
}

/** Carried out for a check only: of this, nothing stays. */
const sample = `add table ip flannel-probe
add chain ip flannel-probe postrtg { type nat hook postrouting priority 100; }
add rule ip flannel-probe postrtg masquerade fully-random
`;

async function probe(runner: Runner, signal: AbortSignal): Promise<Features> {
  const { code } = await runTool(runner, ['nft', '-c', '-f', '-'], {
    input: sample,
    signal,
    okCodes: [0, 1],
  });
  return { randomFully: code === 0 };
}
