// Which states are put beside which: sick nodes beside a healthy one, and every node beside itself when all was well; pure.
import { wrongCells } from '../checks/reachability.ts';
import { type Comparison, type EvidenceData, failedMatrix } from '../report/data.ts';
import { besideAnother, besideItself, healthiest } from './compare.ts';
import type { LastGood } from './memory.ts';
import type { NodeState } from './state.ts';

export function compareNodes(
  data: EvidenceData,
  states: readonly NodeState[],
  lastGood: LastGood | undefined,
): readonly Comparison[] {
  const { nodes, failure, verdicts, since } = data;
  const stateOf = (name: string | undefined) => states.find(({ node }) => node === name);
  const wrong = wrongCells(failedMatrix(data));
  const wrongPairs = (name: string) =>
    wrong.filter(({ from, to }) => [from, to].some(workload => workload.startsWith(`${name}/`))).length;
  const blamed = new Set(verdicts.flatMap(({ blame }) => (blame ? [blame.node] : [])));
  // Without a verdict the message itself says whose routes or subnet are wrong.
  const isBlamed = (name: string) =>
    blamed.has(name) || (verdicts.length === 0 && new RegExp(`\\b${name}\\b`).test(failure));
  const best = healthiest(nodes, isBlamed, wrongPairs);
  const healthy = stateOf(best);
  const sick = nodes.filter(({ name }) => name !== best && (isBlamed(name) || wrongPairs(name) > 0));
  const beside = sick.flatMap(({ name }) => {
    const state = stateOf(name);
    return healthy && state ? [besideAnother(healthy, state, nodes, states)] : [];
  });
  const then = states.flatMap(state => {
    const good = lastGood?.states.get(state.node);
    if (!lastGood || !good) return [];
    return [
      besideItself(good, state, `at ${((lastGood.at - since) / 1000).toFixed(1)} s, when all was well`),
    ];
  });
  return [...beside, ...then];
}

export function comparisonText({ node, beside, missing, extra }: Comparison): string {
  const lines = [...missing.map(line => `- ${line}`), ...extra.map(line => `+ ${line}`)];
  return `${node} beside ${beside}:\n${lines.length > 0 ? lines.join('\n') : '  no difference'}\n`;
}
