// The means by which a verdict was found: which were used, what they told, and why others were not.

export type MeansName =
  | 'leases'
  | 'configuration'
  | 'counters'
  | 'packet filter trace'
  | 'drop tracepoint'
  | 'capture';

/** `why`: it was not used, or not everywhere. `told`: what it was that it told, for those that are heard by chance. */
export interface Means {
  readonly name: MeansName;
  readonly used: boolean;
  readonly why?: string;
  readonly told?: string;
}

export const used = (name: MeansName, told?: string): Means => ({
  name,
  used: true,
  ...(told ? { told } : {}),
});

export const unused = (name: MeansName, why: string): Means => ({ name, used: false, why });

/** Those that packets have to be sent for once more. */
export const listeningMeans = ['packet filter trace', 'drop tracepoint', 'capture'] as const;

export function withoutListening(why: string): readonly Means[] {
  return listeningMeans.map(name => unused(name, why));
}
