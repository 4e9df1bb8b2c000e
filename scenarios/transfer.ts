// A stream between two containers, with a digest at both ends.
import { type Cluster, expect, type WorkloadHandle } from '../harness/vitest/index.ts';

export interface Transfer {
  /** SHA-256 of what was sent and of what arrived. */
  readonly sent: string;
  readonly received: string;
}

export interface Amount {
  /** 1 MiB each. */
  readonly chunks: number;
  /** Milliseconds between two of them. */
  readonly pause?: number;
}

/** Between the first containers of two nodes: what arrives is what was sent. */
export async function expectSame(cluster: Cluster, from: string, to: string, amount: Amount): Promise<void> {
  const [a, b] = [from, to].map(name => cluster.node(name).workloads[0] ?? expect.unreachable(name));
  if (!a || !b) return;
  const { sent, received } = await transfer(a, b, amount);
  expect(received, `${from} to ${to}`).toBe(sent);
}

const port = 5001;

/** Keeps one connection from its beginning to its end; rejects when it breaks or takes longer than `timeout`. */
export async function transfer(
  from: WorkloadHandle,
  to: WorkloadHandle,
  { chunks, pause = 0 }: Amount,
  timeout = 60_000,
): Promise<Transfer> {
  const receiving = to.run(['node', '-e', receiver, String(port)], { timeout });
  const sending = from.run(['node', '-e', sender, to.address, String(port), String(chunks), String(pause)], {
    timeout,
  });
  const [received, sent] = await Promise.all([receiving, sending]);
  return { sent: sent.stdout.trim(), received: received.stdout.trim() };
}

const receiver = `
const [, port] = process.argv;
const digest = require('node:crypto').createHash('sha256');
require('node:net').createServer(socket => {
  socket.on('data', data => digest.update(data));
  socket.on('end', () => { socket.end(); console.log(digest.digest('hex')); process.exit(); });
}).listen(port);
`;

/** Tries until somebody listens. */
const sender = `
const { setTimeout: sleep } = require('node:timers/promises');
const { connect } = require('node:net');
const { once } = require('node:events');
const { createHash, randomBytes } = require('node:crypto');
const [, host, port, chunks, pause] = process.argv;
async function open() {
  for (;;) {
    const socket = connect(port, host);
    try { await once(socket, 'connect'); return socket; } catch { await sleep(50); }
  }
}
(async () => {
  const socket = await open();
  const digest = createHash('sha256');
  for (let n = 0; n < chunks; n++) {
    const data = randomBytes(1 << 20);
    digest.update(data);
    if (!socket.write(data)) await once(socket, 'drain');
    if (pause > 0) await sleep(Number(pause));
  }
  socket.end();
  socket.resume();
  await once(socket, 'close');
  console.log(digest.digest('hex'));
})();
`;
