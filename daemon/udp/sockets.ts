// UDP sockets that send and receive several datagrams with one system call, where the kernel can.
import koffi from 'koffi';
import { UserError } from '../../lib/errors.ts';
import { parseIp } from '../../lib/ip.ts';
import { close, describe, lastError } from './system.ts';

// <bits/socket.h>, <linux/in.h>, <linux/in6.h>, <linux/udp.h>; the same on x86-64 and arm64.
const AF = { 4: 2, 6: 10 } as const;
const SOCK_DGRAM_CLOEXEC_NONBLOCK = 2 | 0o2000000 | 0o4000;
const SOL = { socket: 1, ip: 0, ipv6: 41, udp: 17 } as const;
const SO = { sndbuf: 7, rcvbuf: 8, sndbufforce: 32, rcvbufforce: 33 } as const;
const IPV6_V6ONLY = 26;
export const udpOption = { level: SOL.udp, segment: 103, gro: 104 } as const;
/** IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, with their values for "in fragments where needed" and "never in fragments". */
const discover = { 4: 10, 6: 23, fragments: 0, never: 2 } as const;
/** IP_MTU and IPV6_MTU. */
const pathMtuOption = { 4: 14, 6: 24 } as const;

const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, void *address, uint32_t size)');
const connect = libc.func('int connect(int fd, void *address, uint32_t size)');
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t size)');
const getsockopt = libc.func(
  'int getsockopt(int fd, int level, int name, _Out_ int *value, _Inout_ uint32_t *size)',
);

export interface UdpSocket {
  readonly fd: number;
  readonly family: 4 | 6;
  /** Whether one call may send several packets. */
  readonly segments: boolean;
  /** Whether one call may receive several. */
  readonly joins: boolean;
}

export interface Wanted {
  readonly segments: boolean;
  readonly joins: boolean;
}

/** Throws a UserError when the address cannot be bound. */
export function openSocket(address: string, port: number, wanted: Wanted): UdpSocket {
  const family = address.includes(':') ? 6 : 4;
  const fd: number = socket(AF[family], SOCK_DGRAM_CLOEXEC_NONBLOCK, 0);
  const failed = (what: string) =>
    new UserError(`cannot ${what} ${address} port ${port} for udp: ${describe(lastError())}`, {
      hint: `see who has it with: ss -lunp sport = :${port}`,
    });
  if (fd < 0) throw failed('make a socket for');
  try {
    if (family === 6) option(fd, SOL.ipv6, IPV6_V6ONLY, 1);
    const name = socketAddress(address, port);
    if (bind(fd, name, name.length) < 0) throw failed('bind');
  } catch (error) {
    close(fd);
    throw error;
  }
  allowFragments({ fd, family }, false);
  // Beyond the host's limits where that is allowed.
  for (const [forced, plain] of [
    [SO.sndbufforce, SO.sndbuf],
    [SO.rcvbufforce, SO.rcvbuf],
  ] as const)
    if (!option(fd, SOL.socket, forced, bufferBytes)) option(fd, SOL.socket, plain, bufferBytes);
  return {
    fd,
    family,
    segments: wanted.segments && option(fd, SOL.udp, udpOption.segment, 0),
    joins: wanted.joins && option(fd, SOL.udp, udpOption.gro, 1),
  };
}

/** Lets the kernel send in fragments what is too large for the path, or has it refuse. */
export function allowFragments({ fd, family }: Pick<UdpSocket, 'fd' | 'family'>, allowed: boolean): void {
  option(
    fd,
    family === 4 ? SOL.ip : SOL.ipv6,
    discover[family],
    allowed ? discover.fragments : discover.never,
  );
}

/** What the path to an address takes as far as the kernel knows, in bytes; undefined when it knows no path. */
export function pathMtu(address: Buffer, family: 4 | 6): number | undefined {
  const fd: number = socket(AF[family], SOCK_DGRAM_CLOEXEC_NONBLOCK, 0);
  if (fd < 0) return undefined;
  try {
    const mtu = [0];
    const known =
      connect(fd, address, address.length) === 0 &&
      getsockopt(fd, family === 4 ? SOL.ip : SOL.ipv6, pathMtuOption[family], mtu, [4]) === 0;
    return known ? mtu[0] : undefined;
  } finally {
    close(fd);
  }
}

/** What the kernel keeps for us while we are busy with the other direction. */
const bufferBytes = 4 << 20;

function option(fd: number, level: number, name: number, value: number): boolean {
  const argument = Buffer.alloc(4);
  argument.writeInt32LE(value);
  return setsockopt(fd, level, name, argument, 4) === 0;
}

/** struct sockaddr_in or sockaddr_in6. */
export function socketAddress(address: string, port: number): Buffer {
  const ip = parseIp(address);
  if (!ip) throw new TypeError(`not an address: ${address}`);
  const name = Buffer.alloc(ip.family === 4 ? 16 : 28);
  name.writeUInt16LE(AF[ip.family], 0);
  name.writeUInt16BE(port, 2);
  const digits = ip.value.toString(16).padStart(ip.family === 4 ? 8 : 32, '0');
  name.write(digits, ip.family === 4 ? 4 : 8, 'hex');
  return name;
}
