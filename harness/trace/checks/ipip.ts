// What ipip needs besides routes: a device that takes what is sent to the node's public IP.
import { link } from '../lookup.ts';
import type { Path } from '../path.ts';
import { at, type Check } from './finding.ts';

export const ipipChecks: Check = (path: Path) => {
  const { to, tunnel, backend } = path;
  if (backend !== 'ipip' || tunnel === undefined) return [];
  const { local, remote } = link(to.facts, tunnel)?.linkinfo?.info_data ?? {};
  const told = { show: `ip -d link show ${tunnel}`, vanishes: ['wire', 'unwrap'] } as const;
  if (typeof local === 'string' && local !== 'any' && local !== to.publicIp) {
    const text = `${tunnel} takes what is sent to ${local}, and ${to.node} is ${to.publicIp}`;
    return [at(path, 'unwrap', { ...told, cause: 'wrong-endpoint', text })];
  }
  if (typeof remote === 'string' && remote !== 'any' && remote !== path.from.publicIp) {
    const text = `${tunnel} takes what ${remote} sends, and nothing else`;
    return [at(path, 'unwrap', { ...told, cause: 'wrong-endpoint', text })];
  }
  return [];
};
