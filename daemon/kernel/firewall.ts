// The packet filter of this host as the daemon uses it: tools with one reading, and one change that happens as a whole.

export interface Features {
  /** Whether masquerading can choose source ports fully at random. */
  readonly randomFully: boolean;
}

/** All methods reject with {@link MissingTool} when the program is not installed. */
export interface RuleTool {
  /** What this version can do. */
  features(signal: AbortSignal): Promise<Features>;
  /**
   * iptables: all tables of its family in the words of iptables-save. nft: our own tables with their handles, so that
   * two texts are equal exactly when nothing was touched in between; empty when there are none.
   */
  save(signal: AbortSignal): Promise<string>;
  /**
   * iptables: the input of `iptables-restore --noflush`, all of a table or none of it. nft: the input of `nft -f -`,
   * all or nothing. Rejects when it cannot be carried out.
   */
  restore(input: string, signal: AbortSignal): Promise<void>;
}

export interface Firewall {
  readonly iptables: RuleTool;
  readonly ip6tables: RuleTool;
  readonly nft: RuleTool;
}

/** The program is not installed. */
export class MissingTool extends Error {
  override readonly name = 'MissingTool';
}
