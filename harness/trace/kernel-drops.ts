// Reads what the kernel's drop tracepoint said of packets of one size: for which reason they were dropped, and where; pure.

export interface KernelDrop {
  /** Without its prefix: `NEIGH_FAILED`. */
  readonly reason: string;
  /** The function of the kernel: `ip_forward`. */
  readonly where: string;
  readonly count: number;
}

const ethernet = 14;

/** The events to listen to, each with its filter: ours by their size, and drops of any IPv4. */
export function eventFilters(bytes: number): Readonly<Record<string, string>> {
  const ours = `len == ${bytes} || len == ${bytes + ethernet}`;
  return {
    'net/netif_receive_skb': ours,
    'net/netif_rx': ours,
    'net/net_dev_queue': ours,
    'skb/kfree_skb': 'protocol == 0x800',
  };
}

/**
 * A buffer that had our size is ours, until it is dropped. The most frequent reason comes first: buffers are used again, so
 * a single one may be somebody else's.
 */
export function parseDrops(trace: string): readonly KernelDrop[] {
  const ours = new Set<string>();
  const drops: string[] = [];
  for (const line of trace.split('\n')) {
    const [, event, address = ''] = /: (\w+): .*?skbaddr=(\S+)/.exec(line) ?? [];
    if (event === undefined) continue;
    if (event !== 'kfree_skb') ours.add(address);
    else if (ours.delete(address)) {
      const [, where = 'the kernel', reason = ''] = /location=([^+\s]+)\S* reason: (\S+)/.exec(line) ?? [];
      drops.push(`${reason} ${where}`);
    }
  }
  return [...Map.groupBy(drops, drop => drop)]
    .map(([drop, { length }]) => ({
      reason: drop.split(' ')[0] ?? '',
      where: drop.slice(drop.indexOf(' ') + 1),
      count: length,
    }))
    .toSorted((a, b) => b.count - a.count);
}
