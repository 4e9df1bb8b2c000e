// What the data plane counts: one number each, in memory it shares with the daemon.

/** With what is said of each on /metrics. */
export const counted = {
  sentPackets: 'Packets sent to peers.',
  sentBytes: 'Bytes of them.',
  sends: 'System calls that sent them.',
  receivedPackets: 'Packets of peers delivered.',
  receivedBytes: 'Bytes of them.',
  writes: 'System calls that delivered them.',
  icmpSent: 'Senders told that a packet could not be forwarded.',
  noRoute: 'Dropped: no peer has the destination.',
  noHops: 'Dropped: time to live.',
  malformed: 'Dropped: no IP packet, or not as long as it says.',
  unknownPeer: 'Dropped: not from a peer.',
  foreignSource: "Dropped: the sender's address is not in its subnet.",
  foreignDestination: 'Dropped: the destination is not in our subnet.',
  tooLarge: 'Dropped: larger than the path to the peer takes.',
  sendFailed: 'Dropped: the kernel did not send it.',
  writeFailed: 'Dropped: the device did not take it.',
} as const;

export type Counted = keyof typeof counted;
export type Counters = Readonly<Record<Counted, number>>;

const names = Object.keys(counted) as Counted[];

/** The place of each number; plain numbers count exactly up to 2^53. */
export const place = Object.fromEntries(names.map((name, at) => [name, at])) as Readonly<
  Record<Counted, number>
>;

export function createCounts(): SharedArrayBuffer {
  return new SharedArrayBuffer(names.length * Float64Array.BYTES_PER_ELEMENT);
}

export function readCounters(counts: SharedArrayBuffer): Counters {
  const numbers = new Float64Array(counts);
  return Object.fromEntries(names.map(name => [name, numbers[place[name]]])) as Counters;
}
