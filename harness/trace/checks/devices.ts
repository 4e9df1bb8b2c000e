// The devices on a path must be there and up: docker0, the uplink, and what the backend puts between them.
import { isUp, link } from '../lookup.ts';
import { bridge, type Hop, type Path, type Side, uplink } from '../path.ts';
import { at, type Check, type Finding } from './finding.ts';

export const uplinkChecks: Check = path => [
  ...problem(path, path.from, uplink, path.tunnel ? 'wrap' : 'out', ['out', 'wire']),
  // Who cannot be asked for its MAC is not sent anything: the packet does not leave its sender.
  ...problem(path, path.to, uplink, 'wire', [path.tunnel ? 'wrap' : 'out', 'unwrap']),
];

export const bridgeChecks: Check = path => [
  ...problem(path, path.from, bridge, 'to-bridge', ['sender', 'out']),
  ...problem(path, path.to, bridge, 'in', ['in', 'to-container']),
];

export const tunnelChecks: Check = path => {
  if (!path.tunnel) return [];
  const far = path.points.find(({ stage }) => stage === 'tunnel-in')?.device ?? path.tunnel;
  return [
    ...problem(path, path.from, path.tunnel, 'out', ['out', 'wrap']),
    ...problem(path, path.to, far, 'unwrap', ['unwrap', 'in']),
  ];
};

function problem(
  path: Path,
  { node, facts }: Side,
  device: string,
  hop: Hop,
  vanishes: readonly [Hop, Hop],
): readonly Finding[] {
  const found = link(facts, device);
  if (found && isUp(found)) return [];
  const cause = found ? 'device-down' : 'device-missing';
  const text = found ? `${device} is down` : `${node} has no ${device}`;
  return [at(path, hop, { node, cause, text, show: `ip link show ${device}`, vanishes })];
}
