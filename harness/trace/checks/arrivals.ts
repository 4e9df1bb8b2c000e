// Where packets come into each node, and by which device they leave it.
import type { NodeFacts } from '../facts.ts';
import { bridge, type Path, type Side, uplink } from '../path.ts';

export interface Arrival {
  readonly hop: 'out' | 'in';
  readonly side: Side;
  readonly facts: NodeFacts;
  readonly device: string;
  readonly leaves: string;
}

export function arrivals({ from, to, tunnel, points }: Path): readonly Arrival[] {
  const far = points.find(({ stage }) => stage === 'tunnel-in')?.device ?? uplink;
  return [
    { hop: 'out', side: from, facts: from.facts, device: bridge, leaves: tunnel ?? uplink },
    { hop: 'in', side: to, facts: to.facts, device: far, leaves: bridge },
  ];
}
