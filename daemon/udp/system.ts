// The system calls of the data plane that Node lacks, through koffi: addresses and lengths in, errno out.
import { constants } from 'node:os';
import koffi from 'koffi';
import { UserError } from '../../lib/errors.ts';
import { parseIp } from '../../lib/ip.ts';
import { Memory } from './memory.ts';

const { errno } = constants;
const libc = koffi.load(null);

// Numbers of <linux/if_tun.h>, <bits/socket.h>, <linux/in.h>, <linux/udp.h>; the same on x86-64 and arm64.
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const tunFlags = { tun: 0x0001, noPacketInfo: 0x1000, vnetHeader: 0x4000 };
const offloads = { checksum: 0x01, tso4: 0x02, tso6: 0x04, uso4: 0x20, uso6: 0x40 };
const AF = { 4: 2, 6: 10 } as const;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;
const SOL = { socket: 1, ip: 0, ipv6: 41, udp: 17 } as const;
const SO = { sndbuf: 7, rcvbuf: 8, sndbufforce: 32, rcvbufforce: 33 } as const;
const IPV6_V6ONLY = 26;
export const udpOption = { level: SOL.udp, segment: 103, gro: 104 } as const;
/** IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, with their values for "in fragments where needed" and "never in fragments". */
const discover = { 4: 10, 6: 23, fragments: 0, never: 2 } as const;
/** IP_MTU and IPV6_MTU. */
const pathMtuOption = { 4: 14, 6: 24 } as const;
export const poll = { in: 1, out: 4, failed: 0x08 | 0x10 | 0x20 } as const;
export const MSG_DONTWAIT = 0x40;

const open = libc.func('int open(const char *path, int flags)');
const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)');
const ioctlNumber = libc.func('int ioctl(int fd, unsigned long request, uintptr_t argument)');
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, void *address, uint32_t size)');
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t size)');
const connect = libc.func('int connect(int fd, void *address, uint32_t size)');
const getsockopt = libc.func(
  'int getsockopt(int fd, int level, int name, _Out_ int *value, _Inout_ uint32_t *size)',
);
const mmap = libc.func(
  'void *mmap(void *at, size_t size, int protection, int flags, int fd, intptr_t offset)',
);
const pipe2 = libc.func('int pipe2(_Out_ int *ends, int flags)');
export const close: (fd: number) => number = libc.func('int close(int fd)');

type Transfer = (fd: number, at: number, length: number) => number;
/** -1 when it fails: {@link lastError} says why. */
export const calls = {
  read: libc.func('intptr_t read(int fd, uintptr_t at, size_t length)') as Transfer,
  write: libc.func('intptr_t write(int fd, uintptr_t at, size_t length)') as Transfer,
  writev: libc.func('intptr_t writev(int fd, uintptr_t pieces, int count)') as Transfer,
  sendmsg: libc.func('intptr_t sendmsg(int fd, uintptr_t message, int flags)') as Transfer,
  recvmsg: libc.func('intptr_t recvmsg(int fd, uintptr_t message, int flags)') as Transfer,
  /** `at` is where struct pollfd stand. */
  poll: libc.func('int poll(uintptr_t at, unsigned long count, int timeout)') as (
    at: number,
    count: number,
    timeout: number,
  ) => number,
};

export function lastError(): number {
  return koffi.errno();
}

export const wouldBlock = errno.EAGAIN;
export const { EINTR, EMSGSIZE, EINVAL } = errno;
/** The device was removed. */
export const EBADFD = 77;

/** Zeroed memory of this size, within 4 GiB, that is never given back. */
export function allocate(size: number): Memory {
  for (;;) {
    // PROT_READ | PROT_WRITE; MAP_PRIVATE | MAP_ANONYMOUS.
    const pointer = mmap(null, size, 3, 0x22, -1, 0);
    const address = Number(koffi.address(pointer));
    if (Math.floor(address / 2 ** 32) === Math.floor((address + size) / 2 ** 32))
      return new Memory(koffi.view(pointer, size), address);
  }
}

export interface Tun {
  readonly fd: number;
  /** Whether packets come and go behind a struct virtio_net_hdr, uncut. */
  readonly offloads: boolean;
  /** Whether that is so for UDP as well (Linux 6.2). */
  readonly udpToo: boolean;
}

/** Makes the device, which lasts as long as it is open. Throws a UserError when that cannot be. */
export function openTun(name: string, withOffloads: boolean): Tun {
  const path = '/dev/net/tun';
  const fd: number = open(path, 0o2 | SOCK_CLOEXEC_NONBLOCK);
  if (fd < 0)
    throw new UserError(`cannot open ${path}: ${describe(lastError())}`, {
      hint: 'load the module with modprobe tun; a container needs --device /dev/net/tun',
    });
  try {
    const plain = tunFlags.tun | tunFlags.noPacketInfo;
    if (!withOffloads || ioctl(fd, TUNSETIFF, interfaceRequest(name, plain | tunFlags.vnetHeader)) < 0) {
      if (ioctl(fd, TUNSETIFF, interfaceRequest(name, plain)) < 0)
        throw new UserError(`cannot make the device ${name}: ${describe(lastError())}`, {
          hint: `it takes CAP_NET_ADMIN, and no other program with a device of that name: ip -d link show ${name}`,
        });
      return { fd, offloads: false, udpToo: false };
    }
    const tcp = offloads.checksum | offloads.tso4 | offloads.tso6;
    const udpToo = ioctlNumber(fd, TUNSETOFFLOAD, tcp | offloads.uso4 | offloads.uso6) === 0;
    const some = udpToo || ioctlNumber(fd, TUNSETOFFLOAD, tcp) === 0;
    // Without any, packets come as they go on the wire, with an empty header.
    if (!some) ioctlNumber(fd, TUNSETOFFLOAD, 0);
    return { fd, offloads: true, udpToo };
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** struct ifreq. */
function interfaceRequest(name: string, flags: number): Buffer {
  const request = Buffer.alloc(40);
  request.write(name, 0, 15, 'latin1');
  request.writeUInt16LE(flags, 16);
  return request;
}

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
  const fd: number = socket(AF[family], SOCK_DGRAM | SOCK_CLOEXEC_NONBLOCK, 0);
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
  const fd: number = socket(AF[family], SOCK_DGRAM | SOCK_CLOEXEC_NONBLOCK, 0);
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

/** Two ends of a pipe: what is written to the second wakes who polls the first. */
export function openPipe(): readonly [number, number] {
  const ends = [0, 0];
  if (pipe2(ends, SOCK_CLOEXEC_NONBLOCK) < 0) throw new Error(`no pipe: ${describe(lastError())}`);
  return [ends[0] as number, ends[1] as number];
}

export function describe(code: number): string {
  const name = Object.entries(errno).find(([, value]) => value === code)?.[0];
  return name ?? `errno ${code}`;
}
