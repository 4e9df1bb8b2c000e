// struct virtio_net_hdr: what a TUN device says in front of a packet, and is told, about work that was put off.
import type { Memory } from './memory.ts';

/** Its length without the field for merged buffers (linux/virtio_net.h), which is what a TUN device uses. */
export const offloadLength = 10;

export const needsChecksum = 1;

/** VIRTIO_NET_HDR_GSO_*: what a packet is to be cut into; `none` for one that goes as it is. */
export const cut = { none: 0, tcp4: 1, tcp6: 4, udp: 5 } as const;
/** Beside a kind of cut: the connection uses explicit congestion notification. */
const ecn = 0x80;

export interface Offload {
  flags: number;
  /** One of {@link cut}. */
  cut: number;
  /** Bytes of payload in each piece. */
  size: number;
  /** Where the sum begins and where, from there, the checksum goes; from the start of the packet. */
  sumFrom: number;
  sumTo: number;
}

/** Reads into `offload`, so that none is made for each packet. */
export function readOffload(memory: Memory, at: number, offload: Offload): void {
  const { bytes } = memory;
  offload.flags = bytes[at] as number;
  offload.cut = (bytes[at + 1] as number) & ~ecn;
  offload.size = native16(bytes, at + 4);
  offload.sumFrom = native16(bytes, at + 6);
  offload.sumTo = native16(bytes, at + 8);
}

/** `headers` is the length of all headers of the packet together. */
export function writeOffload(memory: Memory, at: number, offload: Offload, headers: number): void {
  const { bytes } = memory;
  bytes[at] = offload.flags;
  bytes[at + 1] = offload.cut;
  for (const [place, value] of [
    [2, headers],
    [4, offload.size],
    [6, offload.sumFrom],
    [8, offload.sumTo],
  ] as const) {
    bytes[at + place] = value;
    bytes[at + place + 1] = value >>> 8;
  }
}

function native16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}
