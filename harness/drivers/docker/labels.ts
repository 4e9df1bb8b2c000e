// The labels everything of ours carries in a Docker engine: by them it is found again, and removed only by or for its owner.
import { hostname } from 'node:os';
import type { Owner } from '../driver.ts';

export type Labels = Readonly<Record<string, string>>;

/** On images too, where its value is `image`. */
const mark = 'flannel-lab';
const clusterLabel = 'flannel-lab.cluster';
const ownerLabel = 'flannel-lab.owner';
/** An engine may serve several machines, and a process id means something on its own machine only. */
const machineLabel = 'flannel-lab.machine';

export function labelsOf(owner: Owner): Record<string, string> {
  return {
    [mark]: 'cluster',
    [clusterLabel]: owner.cluster,
    [ownerLabel]: JSON.stringify(owner),
    [machineLabel]: hostname(),
  };
}

/** What the engine's API takes to list what this machine made, of one cluster or of all. */
export function filterFor(cluster?: string): { readonly label: string[] } {
  const ours = [`${mark}=cluster`, `${machineLabel}=${hostname()}`];
  return { label: cluster === undefined ? ours : [...ours, `${clusterLabel}=${cluster}`] };
}

/** Undefined for labels that are not ours, or of another version of this program. */
export function ownerIn(labels: Labels | undefined): Owner | undefined {
  try {
    return JSON.parse(labels?.[ownerLabel] ?? '') as Owner;
  } catch {
    return undefined;
  }
}
