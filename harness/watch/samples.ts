// What a sampler on a node and the harness tell each other: a line of JSON for each.

/** What the sampler is told at its start. */
export interface SamplerOrders {
  /** See {@link DaemonTrail}. */
  readonly pids: readonly string[];
  readonly log: readonly string[];
  readonly subnetFile: string;
}

/** What it is told later, one a line. */
export type SamplerRequest =
  /** Starts a prober under this name, as these words say. */
  | { readonly start: string; readonly argv: readonly string[] }
  /** Hands the prober a line. */
  | { readonly tell: string; readonly line: string }
  /** Looks at everything now, and says when it has. */
  | { readonly sync: number };

/** What it says. `at`: milliseconds since the epoch. State is told when it differs from what was told last. */
export type Sample = { readonly at: number } & (
  | { readonly file: string | null }
  | { readonly kernel: KernelTexts }
  /** Null: the daemon does not run. */
  | { readonly pid: number | null }
  /** Of the daemon: processor time so far in ticks, resident pages, open files. */
  | { readonly ticks: number; readonly pages: number; readonly files: number }
  | { readonly log: readonly string[] }
  | { readonly rules: string }
  /** A line of a prober. */
  | { readonly prober: string; readonly line: string }
  /** A prober has ended. */
  | { readonly gone: string }
  | { readonly synced: number }
);

/** What `ip` and `bridge` print as JSON and `wg` as lines, one text for each question. */
export interface KernelTexts {
  readonly routes: string;
  /** Of IPv6; nothing where no daemon has said that there is any. */
  readonly routes6: string;
  readonly neighbours: string;
  readonly links: string;
  readonly fdb: string;
  readonly wgKeys: string;
  readonly wgPeers: string;
}
