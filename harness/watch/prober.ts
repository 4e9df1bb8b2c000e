// What runs in the network of each watched container: small datagrams to all others, answers to theirs, and a count.

/** What a prober is told, one a line: whom to probe from now on, and how often. `sync` asks for a report at once. */
export interface ProberOrders {
  /** IPv4 addresses. */
  readonly targets: readonly string[];
  /** Milliseconds between two probes to one target. */
  readonly interval: number;
}

/** What it says of each target ten times a second, once it has said `ready`: it answers. */
export interface ProbeReport {
  readonly to: string;
  /** Numbers of probes sent, and when: milliseconds since the epoch. */
  readonly sent: readonly (readonly [number: number, at: number])[];
  /** Numbers of probes answered, whenever they were sent. */
  readonly got: readonly number[];
  /** Numbers of probes that arrived with another source address than ours. */
  readonly rewritten: readonly number[];
}

/** UDP; nobody else's on a container of ours. */
const port = 20_077;

/** The program, as a text for `node -e`: one function that refers to nothing outside of itself. */
export function proberProgram(address: string): string {
  return `(${prober})(${JSON.stringify(address)}, ${port})`;
}

function prober(address: string, port: number): void {
  const { createSocket } = process.getBuiltinModule('node:dgram');
  const { createInterface } = process.getBuiltinModule('node:readline');
  type Socket = ReturnType<typeof createSocket>;
  const now = () => performance.timeOrigin + performance.now();
  const [request, answer] = [1, 2];
  interface Target {
    count: number;
    sent: [number, number][];
    got: number[];
    rewritten: number[];
  }
  const targets = new Map<string, Target>();
  const own = Buffer.from(address.split('.').map(Number)).readUInt32BE();
  const packet = (kind: number, number: number, seen: number) => {
    const bytes = Buffer.allocUnsafe(12);
    bytes.writeUInt32BE(kind, 0);
    bytes.writeUInt32BE(number, 4);
    bytes.writeUInt32BE(seen, 8);
    return bytes;
  };
  const hear = (socket: Socket, data: Buffer, from: string, fromPort: number) => {
    if (data.length !== 12) return;
    const [kind, number, seen] = [data.readUInt32BE(0), data.readUInt32BE(4), data.readUInt32BE(8)];
    if (kind === request) {
      const source = Buffer.from(from.split('.').map(Number)).readUInt32BE();
      socket.send(packet(answer, number, source), fromPort, from);
      return;
    }
    const target = targets.get(from);
    target?.got.push(number);
    if (seen !== own) target?.rewritten.push(number);
  };
  const open = (at: number, bound: (socket: Socket) => void) => {
    // Addresses need no looking up, which would cost more than the sending.
    const socket = createSocket({ type: 'udp4', lookup: (name, _, found) => found(null, name, 4) });
    // A probe that cannot be sent is a probe without an answer.
    socket.on('error', () => {});
    socket.on('message', (data, { address: from, port: fromPort }) => hear(socket, data, from, fromPort));
    socket.bind(at, () => bound(socket));
  };
  let sending: Socket | undefined;
  /** Another port is another flow: what packet filters have let through once is asked of them anew. */
  const renew = () =>
    open(0, socket => {
      const former = sending;
      sending = socket;
      setTimeout(() => former?.close(), 1000);
    });

  const probe = () => {
    const at = now();
    for (const [to, target] of targets) {
      target.sent.push([++target.count, at]);
      sending?.send(packet(request, target.count, 0), port, to);
    }
  };
  let probing: NodeJS.Timeout | undefined;
  const obey = (orders: ProberOrders) => {
    for (const to of targets.keys()) if (!orders.targets.includes(to)) targets.delete(to);
    for (const to of orders.targets)
      if (!targets.has(to)) targets.set(to, { count: 0, sent: [], got: [], rewritten: [] });
    clearInterval(probing);
    probing = setInterval(probe, orders.interval);
  };
  const report = () => {
    for (const [to, { sent, got, rewritten }] of targets) {
      if (sent.length + got.length === 0) continue;
      const round = ([number, at]: [number, number]) => [number, Math.round(at * 1000) / 1000];
      process.stdout.write(`${JSON.stringify({ to, sent: sent.map(round), got, rewritten })}\n`);
    }
    for (const target of targets.values()) Object.assign(target, { sent: [], got: [], rewritten: [] });
  };
  setInterval(report, 100);
  setInterval(renew, 500);
  renew();
  open(port, () => process.stdout.write('ready\n'));
  const end = () => process.exit(0);
  process.stdout.on('error', end);
  createInterface({ input: process.stdin })
    .on('line', line => {
      if (line !== 'sync') return obey(JSON.parse(line));
      report();
      process.stdout.write('synced\n');
    })
    .on('close', end);
}
