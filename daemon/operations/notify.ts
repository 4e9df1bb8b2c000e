// Tells systemd the daemon is ready: one datagram to $NOTIFY_SOCKET, which Node itself cannot send.

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
/** sizeof(sun_path) */
const longestPath = 108;

/**
 * Sends `state` (e.g. `READY=1`) to the socket at `path`; `@` in front means an abstract name. koffi is loaded only
 * here. Throws when it cannot be sent.
 */
export async function notify(path: string, state: string): Promise<void> {
  const address = socketAddress(path);
  const { default: koffi } = await import('koffi');
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  // intptr_t is what koffi has for ssize_t.
  const sendto = libc.func(
    'intptr_t sendto(int fd, void *data, size_t size, int flags, void *to, uint32_t toSize)',
  );
  const close = libc.func('int close(int fd)');
  const fd: number = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error(`cannot make a socket, errno ${koffi.errno()}`);
  try {
    const message = Buffer.from(state);
    const sent: number = sendto(fd, message, message.length, 0, address, address.length);
    if (sent !== message.length) throw new Error(`cannot send to ${path}, errno ${koffi.errno()}`);
  } finally {
    close(fd);
  }
}

/** struct sockaddr_un in the byte order of this machine. Throws for names that do not fit. */
export function socketAddress(path: string): Buffer {
  const name = Buffer.from(path);
  if (name.length === 0 || name.length >= longestPath) throw new Error(`not a socket path: ${path}`);
  const family = Buffer.from(new Uint16Array([AF_UNIX]).buffer);
  // An abstract name starts with a zero byte and has no end mark; its length is the address's length.
  if (name[0] === 0x40) return Buffer.concat([family, Buffer.from([0]), name.subarray(1)]);
  return Buffer.concat([family, name, Buffer.from([0])]);
}
