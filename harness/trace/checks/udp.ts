// With backend udp the daemons carry the packets: each must have its socket, and not stand still.
import type { Hop, Path, Side } from '../path.ts';
import { portOf } from '../ports.ts';
import { at, type Check, type Finding } from './finding.ts';

export const pumpChecks: Check = path =>
  path.backend === 'udp'
    ? // Its TUN device, and with it the route, goes with the process.
      [
        ...pump(path, path.from, 'wrap', ['out', 'wrap']),
        ...pump(path, path.to, 'unwrap', ['unwrap', 'unwrap']),
      ]
    : [];

function pump(
  path: Path,
  { node, facts }: Side,
  hop: Hop,
  vanishes: readonly [Hop, Hop],
): readonly Finding[] {
  const port = portOf(path.config) ?? 0;
  const state = facts.udpPorts.get(port);
  if (state === 'running') return [];
  const text = state
    ? `the process that carries packets on UDP port ${port} is stopped`
    : `nobody carries packets: UDP port ${port} has no listener`;
  return [at(path, hop, { node, cause: 'pump-dead', text, show: `ss -lunp sport = :${port}`, vanishes })];
}
