// A hop between a node's daemon and etcd: a process on the node that passes on what it gets, later.
import type { NodeHandle } from '../drivers/driver.ts';

/** Runs on the node, so it is text: `node hop.js <file> <host> <port> <ms> <first port> <last port>`. Its port is in the file. */
const program = `
const { writeFileSync } = require('node:fs');
const { createServer, connect } = require('node:net');
const [file, host, port, delay, first, last] = process.argv.slice(2);
let next = Number(first);
createServer({ allowHalfOpen: true }, near => {
  if (next > Number(last)) next = Number(first);
  const far = connect({ host, port, localPort: next++, allowHalfOpen: true });
  const later = then => setTimeout(then, Number(delay));
  near.on('data', data => later(() => far.destroyed || far.write(data)));
  near.on('end', () => later(() => far.end()));
  far.on('data', data => near.destroyed || near.write(data));
  far.on('end', () => near.end());
  for (const [one, other] of [[near, far], [far, near]]) {
    one.on('error', () => other.resetAndDestroy());
    one.on('close', () => later(() => other.destroy()));
  }
}).listen(0, '0.0.0.0', function () { writeFileSync(file, String(this.address().port)); });
`;

export interface HopOptions {
  readonly etcdEndpoint: string;
  readonly milliseconds: number;
  /** The first and the last of the ports it connects from. */
  readonly ports: readonly [number, number];
}

/** Resolves with the port it listens on. */
export async function startHop(node: NodeHandle, name: string, options: HopOptions): Promise<string> {
  const { hostname, port } = new URL(options.etcdEndpoint);
  const args = [hostname, port, options.milliseconds, ...options.ports].join(' ');
  const file = `/run/${name}`;
  const script = `set -e
cat >${file}.cjs
setsid sh -c 'echo $$ >${file}.pid; exec node ${file}.cjs ${file}.port ${args}' >/dev/null 2>${file}.log </dev/null &
until [ -s ${file}.port ]; do [ ! -s ${file}.log ] || { cat ${file}.log >&2; exit 1; }; sleep 0.01; done
cat ${file}.port`;
  return (await node.run(['sh', '-c', script], { input: program })).stdout.trim();
}

/** Succeeds when it is gone already. */
export async function stopHop(node: NodeHandle, name: string): Promise<void> {
  const file = `/run/${name}`;
  const script = `[ ! -e ${file}.pid ] || kill -9 "$(cat ${file}.pid)" 2>/dev/null
rm -f ${file}.cjs ${file}.pid ${file}.port ${file}.log`;
  await node.run(['sh', '-c', script]);
}

/** Milliseconds from asking etcd for its version until the first line of the answer. */
export async function answerTime(node: NodeHandle, endpoint: string): Promise<number> {
  const { hostname, port } = new URL(endpoint);
  const script = `started=\${EPOCHREALTIME/[.,]/}
exec 3<>/dev/tcp/${hostname}/${port} || exit 1
printf 'GET /version HTTP/1.0\\r\\n\\r\\n' >&3
read -r -t 100 _ <&3 || exit 1
echo $(( (\${EPOCHREALTIME/[.,]/} - started) / 1000 ))`;
  const { stdout } = await node.run(['bash', '--norc', '-c', script], { timeout: 120_000 });
  return Number(stdout);
}
