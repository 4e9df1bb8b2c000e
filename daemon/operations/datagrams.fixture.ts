// A socket such as systemd's $NOTIFY_SOCKET, for tests: receives datagrams, which Node itself cannot.
import koffi from 'koffi';
import { until } from '../../lib/wait.ts';
import { socketAddress } from './notify.ts';

const [AF_UNIX, SOCK_DGRAM, MSG_DONTWAIT] = [1, 2, 0x40];
const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, void *address, uint32_t size)');
const recv = libc.func('intptr_t recv(int fd, _Out_ void *data, size_t size, int flags)');
const close = libc.func('int close(int fd)');

export interface Datagrams extends Disposable {
  /** Those that came in since the last call. */
  received(): string[];
  /** Waits until one has come in that `is` accepts, and returns all up to then. */
  until(is: (datagram: string) => boolean, what: string): Promise<string[]>;
}

/** Listens at a path, or at an abstract name when it begins with `@`. */
export function listenForDatagrams(path: string): Datagrams {
  const fd: number = socket(AF_UNIX, SOCK_DGRAM, 0);
  const address = socketAddress(path);
  if (bind(fd, address, address.length) !== 0) throw new Error(`cannot bind ${path}, errno ${koffi.errno()}`);
  const received = (): string[] => {
    const all: string[] = [];
    for (;;) {
      const data = Buffer.alloc(4096);
      const size: number = recv(fd, data, data.length, MSG_DONTWAIT);
      if (size < 0) return all;
      all.push(data.toString('utf8', 0, size));
    }
  };
  return {
    received,
    async until(is, what) {
      const all: string[] = [];
      const seen = async () => {
        all.push(...received());
        return all.some(is) ? all : undefined;
      };
      return until(seen, { what, timeout: 8000, interval: 20 });
    },
    [Symbol.dispose]: () => void close(fd),
  };
}
