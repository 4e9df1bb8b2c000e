// Knows the rules that flannel before 0.20 put straight into FORWARD and POSTROUTING, by comment or by shape.
import type { RuleSet } from './iptables-sets.ts';

/**
 * Whether flannel wrote this rule of a built-in chain. The oldest wrote no comments: theirs are known by their shape,
 * which only masquerading for a network of ours has. What accepts is never taken for ours without its comment.
 */
export function isFormer({ hook, comment, networks }: RuleSet, rule: string): boolean {
  if (rule.includes(`-m comment --comment "${comment}"`)) return true;
  return (
    hook === 'POSTROUTING' && networks.some(network => masqueradeShapes(network).includes(shapeOf(rule)))
  );
}

function masqueradeShapes(network: string): readonly string[] {
  return [
    `-s ${network} -d ${network} -j RETURN`,
    `-s ${network} ! -d 224.0.0.0/4 -j MASQUERADE`,
    `-s ${network} ! -d ff00::/8 -j MASQUERADE`,
    `! -s ${network} -d ${network} -j MASQUERADE`,
    `! -s ${network} -d SUBNET -j RETURN`,
  ];
}

/** The rule without what differs from version to version; the subnet of a node may have been any. */
function shapeOf(rule: string): string {
  return rule
    .replace(/ --random-fully\b/, '')
    .replace(/^(! -s \S+ -d) \S+ -j RETURN$/, '$1 SUBNET -j RETURN');
}
