// The TUN device: what the kernel routes to it comes here, and what is written here the kernel takes for received.
import koffi from 'koffi';
import { UserError } from '../../lib/errors.ts';
import { close, describe, lastError } from './system.ts';

// <linux/if_tun.h>; the same on x86-64 and arm64.
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const flags = { tun: 0x0001, noPacketInfo: 0x1000, vnetHeader: 0x4000 } as const;
const offloads = { checksum: 0x01, tso4: 0x02, tso6: 0x04, uso4: 0x20, uso6: 0x40 } as const;
/** O_RDWR, O_CLOEXEC and O_NONBLOCK. */
const openFlags = 0o2 | 0o2000000 | 0o4000;

const libc = koffi.load(null);
const open = libc.func('int open(const char *path, int flags)');
const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)');
const ioctlNumber = libc.func('int ioctl(int fd, unsigned long request, uintptr_t argument)');

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
  const fd: number = open(path, openFlags);
  if (fd < 0)
    throw new UserError(`cannot open ${path}: ${describe(lastError())}`, {
      hint: 'load the module with modprobe tun; a container needs --device /dev/net/tun',
    });
  const plain = flags.tun | flags.noPacketInfo;
  if (withOffloads && ioctl(fd, TUNSETIFF, interfaceRequest(name, plain | flags.vnetHeader)) === 0)
    return { fd, offloads: true, udpToo: negotiate(fd) };
  if (ioctl(fd, TUNSETIFF, interfaceRequest(name, plain)) === 0)
    return { fd, offloads: false, udpToo: false };
  const reason = describe(lastError());
  close(fd);
  throw new UserError(`cannot make the device ${name}: ${reason}`, {
    hint: `it takes CAP_NET_ADMIN, and no other program with a device of that name: ip -d link show ${name}`,
  });
}

/** Asks for as much as the kernel has; says whether UDP is among it. Without any, packets come as they go on the wire. */
function negotiate(fd: number): boolean {
  const tcp = offloads.checksum | offloads.tso4 | offloads.tso6;
  const has = (wanted: number) => ioctlNumber(fd, TUNSETOFFLOAD, wanted) === 0;
  if (has(tcp | offloads.uso4 | offloads.uso6)) return true;
  if (!has(tcp)) has(0);
  return false;
}

/** struct ifreq. */
function interfaceRequest(name: string, requested: number): Buffer {
  const request = Buffer.alloc(40);
  request.write(name, 0, 15, 'latin1');
  request.writeUInt16LE(requested, 16);
  return request;
}
