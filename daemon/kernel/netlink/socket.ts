// A socket to the kernel's own networking, which answers at once: system calls that Node lacks, through koffi.
import { getSystemErrorMessage } from 'node:util';
import koffi from 'koffi';

const AF_NETLINK = 16;
/** SOCK_RAW | SOCK_CLOEXEC. */
const raw = 3 | 0o2000000;
const MSG_DONTWAIT = 0x40;
/** SOL_NETLINK; NETLINK_CAP_ACK and NETLINK_EXT_ACK: answers without the question, with the kernel's own words. */
const options = { level: 270, cap: 10, ext: 11 } as const;
/** SIOCGIFINDEX of <linux/sockios.h>, with struct ifreq: a name of 16 bytes, the number behind it. */
const indexRequest = { code: 0x8933, size: 40, name: 16 } as const;

const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)');
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t size)');
const send = libc.func('intptr_t send(int fd, const void *bytes, size_t length, int flags)');
const recv = libc.func('intptr_t recv(int fd, void *bytes, size_t length, int flags)');
const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)');
const close = libc.func('int close(int fd)');

/** More than an answer takes, in bytes: the kernel's words are one line. */
const room = Buffer.alloc(4096);

export interface NetlinkSocket extends Disposable {
  /** What the kernel answers to these messages, one datagram each. Throws when it cannot be asked. */
  ask(messages: Buffer): readonly Buffer[];
  /** The number of a device; 0 when there is none of that name. */
  indexOf(dev: string): number;
}

/** In the network namespace of this process. Throws when there is no such socket to be had. */
export function openNetlink(): NetlinkSocket {
  const fd: number = socket(AF_NETLINK, raw, 0);
  if (fd < 0) throw failed('open');
  return netlinkOn(fd);
}

/** On a socket that is open already, in whichever namespace. */
export function netlinkOn(fd: number): NetlinkSocket {
  const on = Buffer.from([1, 0, 0, 0]);
  // Older kernels do without.
  for (const name of [options.cap, options.ext]) setsockopt(fd, options.level, name, on, on.length);
  return {
    ask(messages) {
      // The kernel has done everything, and answered, when this returns.
      if (Number(send(fd, messages, messages.length, 0)) < 0) throw failed('write to');
      const answers: Buffer[] = [];
      for (;;) {
        const length = Number(recv(fd, room, room.length, MSG_DONTWAIT));
        if (length >= 0) answers.push(Buffer.from(room.subarray(0, length)));
        else if (koffi.errno() === koffi.os.errno.EAGAIN) return answers;
        else if (koffi.errno() !== koffi.os.errno.EINTR) throw failed('read from');
      }
    },
    indexOf(dev) {
      const ifreq = Buffer.alloc(indexRequest.size);
      if (ifreq.write(dev) >= indexRequest.name) return 0;
      return ioctl(fd, indexRequest.code, ifreq) < 0 ? 0 : ifreq.readInt32LE(indexRequest.name);
    },
    [Symbol.dispose]: () => void close(fd),
  };
}

function failed(what: string): Error {
  return new Error(`cannot ${what} a netlink socket: ${getSystemErrorMessage(-koffi.errno())}`);
}
