// The system calls of the data plane that Node lacks, through koffi: addresses and lengths in, errno out.
import { constants } from 'node:os';
import koffi from 'koffi';
import { Memory } from './memory.ts';

const { errno } = constants;
const libc = koffi.load(null);

/** struct pollfd. */
export const poll = { in: 1, out: 4, entry: 8 } as const;
export const MSG_DONTWAIT = 0x40;

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
export const { EINTR, EMSGSIZE, EINVAL, EIO } = errno;
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

/** Two ends of a pipe: what is written to the second wakes who polls the first. */
export function openPipe(): readonly [number, number] {
  const ends = [0, 0];
  if (pipe2(ends, 0o2000000 | 0o4000) < 0) throw new Error(`no pipe: ${describe(lastError())}`);
  return [ends[0] as number, ends[1] as number];
}

export function describe(code: number): string {
  const name = Object.entries(errno).find(([, value]) => value === code)?.[0];
  return name ?? `errno ${code}`;
}
