// What a node needs to forward: ip_forward, routes that rp_filter agrees with, and packet filters that let it pass.
import type { NodeFacts } from '../facts.ts';
import { routeText, routeTo } from '../lookup.ts';
import type { Path } from '../path.ts';
import { arrivals } from './arrivals.ts';
import { at, type Check, type Finding } from './finding.ts';

export const forwardingChecks: Check = path =>
  arrivals(path).flatMap(({ hop, facts: { sysctls }, device }) => {
    const off = ['ip_forward', `conf/${device}/forwarding`].find(name => sysctls.get(name) === 0);
    if (off === undefined) return [];
    const text =
      off === 'ip_forward' ? 'ip_forward is off' : `forwarding is off for what comes in on ${device}`;
    return [at(path, hop, { cause: 'ip-forward-off', text, show: `cat /proc/sys/net/ipv4/${off}` })];
  });

export const reversePathChecks: Check = path =>
  arrivals(path).flatMap(({ hop, facts, device }) => reversePath(path, hop, facts, device));

function reversePath(path: Path, hop: 'out' | 'in', facts: NodeFacts, device: string): readonly Finding[] {
  const mode = Math.max(...['all', device].map(name => facts.sysctls.get(`conf/${name}/rp_filter`) ?? 0));
  const source = path.from.address;
  const back = routeTo(facts, source);
  const refused = mode === 1 ? back?.dev !== device : mode === 2 && !back;
  if (!refused) return [];
  const way = back ? `goes by "${routeText(back)}", not ${device}` : 'is unknown';
  const text = `rp_filter is ${mode} for ${device}, and the way back to ${source} ${way}`;
  const show = `cat /proc/sys/net/ipv4/conf/${device}/rp_filter; ip route get ${source}`;
  return [at(path, hop, { cause: 'rp-filter', text, show })];
}

/** A policy says nothing of a packet that a rule accepts: a finding only where packets vanish in forwarding. */
export const filterChecks: Check = path =>
  arrivals(path).flatMap(({ hop, facts }) =>
    facts.forwardChains
      .filter(({ policy }) => policy === 'drop')
      .map(({ name }) =>
        at(path, hop, {
          cause: 'forward-drop',
          text: `FORWARD policy DROP (nft: ${name.split(' ').slice(1).join('/')})`,
          show: `nft list chain ${name}`,
          filter: true,
        }),
      ),
  );
