// The packet filter of this host as the daemon uses it: one reading, one change that happens as a whole.

export interface Features {
  /** Whether masquerading can choose source ports fully at random. */
  readonly randomFully: boolean;
}

export interface Firewall {
  /** What this iptables can do. Rejects with {@link MissingTool} when there is none. */
  features(signal: AbortSignal): Promise<Features>;
  /** All IPv4 tables in the words of iptables-save. Rejects as {@link features}. */
  save(signal: AbortSignal): Promise<string>;
  /** Carries out the input of `iptables-restore --noflush`: all of a table or none of it. Rejects when it cannot. */
  restore(input: string, signal: AbortSignal): Promise<void>;
}

/** The program is not installed. */
export class MissingTool extends Error {
  override readonly name = 'MissingTool';
}
