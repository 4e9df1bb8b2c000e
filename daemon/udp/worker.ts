// The thread of the data plane: it owns the device and the sockets, and waits in system calls.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { describeError, UserError } from '../../lib/errors.ts';
import { addressIn, type ByFamily, families } from '../../lib/ip.ts';
import type { Order, Report, Start } from './messages.ts';
import { Pump, pumpRoom } from './pump.ts';
import { openSocket, socketAddress, type UdpSocket } from './sockets.ts';
import { allocate, close, openPipe } from './system.ts';
import { Table } from './table.ts';
import { openTun, type Tun } from './tun.ts';

const { device, addresses, port, help, counts } = workerData as Start;
const memory = allocate(pumpRoom);
const table = new Table(port);
let bound = addresses;

function report(message: Report): void {
  parentPort?.postMessage(message);
}

function notice(text: string): void {
  report({ kind: 'notice', text });
}

function openSockets(those: ByFamily<string>): UdpSocket[] {
  const sockets: UdpSocket[] = [];
  try {
    for (const family of families) {
      const address = those[family];
      if (address !== undefined) sockets.push(openSocket(address, port, help));
    }
    return sockets;
  } catch (error) {
    for (const { fd } of sockets) close(fd);
    throw error;
  }
}

/** Carries packets until the addresses change, which it says, or it is to stop. */
function carry(tun: Tun, sockets: readonly UdpSocket[], wake: number): 'bind' | 'stop' {
  let why: 'bind' | 'stop' | undefined;
  const speak = () => {
    for (const family of families) {
      const subnet = table.subnets[family];
      if (!subnet) continue;
      const name = socketAddress(addressIn(subnet, 0), 0);
      pump.speakFrom(family, family === 4 ? name.subarray(4, 8) : name.subarray(8, 24));
    }
  };
  // Takes every order that is there: the byte that woke it may have stood for several.
  const attend = (): boolean => {
    for (let order = nextOrder(); order; order = nextOrder()) {
      if (order.kind === 'route') {
        for (const peer of order.removed) table.remove(peer);
        for (const peer of order.added) table.add(peer);
        table.hold(order.subnets);
        speak();
      } else {
        if (order.kind === 'bind') bound = order.addresses;
        if (why !== 'stop') why = order.kind;
      }
    }
    return why === undefined;
  };
  const pump = new Pump({ memory, tun, sockets, table, wake, attend, counts, notice });
  speak();
  pump.run();
  return why ?? 'stop';
}

function nextOrder(): Order | undefined {
  const received: { message: Order } | undefined = parentPort ? receiveMessageOnPort(parentPort) : undefined;
  return received?.message;
}

/** In words for the log. */
function levelOf({ offloads, udpToo }: Tun, sockets: readonly UdpSocket[]): string {
  const used = [
    offloads && (udpToo ? 'TSO and USO on the device' : 'TSO on the device'),
    sockets.every(({ segments }) => segments) && 'UDP_SEGMENT',
    sockets.every(({ joins }) => joins) && 'UDP_GRO',
  ].filter(Boolean);
  return used.length > 0 ? used.join(', ') : 'one packet for each system call';
}

function main(): void {
  const open: number[] = [];
  let sockets: readonly UdpSocket[] = [];
  try {
    const tun = openTun(device, help.tun);
    open.push(tun.fd);
    const [wake, awaken] = openPipe();
    open.push(wake);
    sockets = openSockets(bound);
    report({ kind: 'open', wake: awaken, level: levelOf(tun, sockets) });
    while (carry(tun, sockets, wake) === 'bind') {
      for (const { fd } of sockets) close(fd);
      sockets = [];
      sockets = openSockets(bound);
    }
  } finally {
    // They are the whole process's, and would outlive the thread.
    for (const fd of [...open, ...sockets.map(({ fd }) => fd)]) close(fd);
  }
}

try {
  main();
  report({ kind: 'ended', reason: 'it was stopped', hint: undefined });
} catch (error) {
  const hint = error instanceof UserError ? error.hint : undefined;
  const reason = error instanceof UserError ? error.message : describeError(error);
  report({ kind: 'ended', reason, hint });
}
