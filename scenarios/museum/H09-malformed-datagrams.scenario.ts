// Anybody who reached the port of udp could send into the overlay, and what was no packet was passed on as one.
import { expect, type NodeHandle, onEveryPlatform, test } from '../../harness/vitest/index.ts';

/** Sends each of these datagrams, in hex, to the port of a node, from an address of the sender. */
async function send(
  from: NodeHandle,
  address: string,
  to: string,
  datagrams: readonly string[],
): Promise<void> {
  const program = `
    const socket = require('node:dgram').createSocket('udp4');
    const lines = require('node:fs').readFileSync(0, 'utf8').split('\\n');
    socket.bind(0, process.argv[1], async () => {
      for (const line of lines) await new Promise(done => socket.send(Buffer.from(line, 'hex'), 8285, process.argv[2], done));
      socket.close();
    });`;
  await from.run(['node', '-e', program, address, to], { input: datagrams.join('\n') });
}

/** An echo request between these, with a header that is right. */
function echo(source: string, destination: string): string {
  const bytes = (ip: string) => ip.split('.').map(Number);
  const header = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, ...bytes(source), ...bytes(destination)];
  let sum = 0;
  for (let n = 0; n < 20; n += 2) sum += (header[n] ?? 0) * 256 + (header[n + 1] ?? 0);
  sum = 0xffff - ((sum % 0x10000) + Math.floor(sum / 0x10000));
  header[10] = sum >> 8;
  header[11] = sum & 255;
  return Buffer.from([...header, 8, 0, 0xf7, 0xff, 0, 0, 0, 0]).toString('hex');
}

onEveryPlatform({ drivers: ['netns'], backends: ['udp'] }, platform => {
  // Packets are counted.
  const watch = { traffic: false };
  test.override({ platform, spec: { nodes: 3, flags: ['-healthz-port=8090'], watch } });

  test('H09: what is no packet of a peer is dropped and counted, and harms nobody', async ({ cluster }) => {
    await cluster.expectReachable();
    const [node1, node2] = cluster.nodes;
    const [one, two, three] = cluster.workloads;
    if (!node1 || !node2 || !one || !two || !three) return expect.unreachable();
    const counters = async () => {
      const page = `fetch('http://127.0.0.1:8090/metrics').then(answer => answer.text()).then(console.log)`;
      const { stdout } = await node1.run(['node', '-e', page]);
      return (name: string) =>
        Number(new RegExp(`^flannel_udp_${name}_total (\\d+)$`, 'm').exec(stdout)?.[1]);
    };
    const echoes = async () => {
      const { stdout } = await one.run(['cat', '/proc/net/snmp']);
      return Number(/^Icmp: \d.*$/m.exec(stdout)?.[0]?.split(' ')[8]);
    };
    const before = await counters();
    const echoesBefore = await echoes();
    const lengths = [0, 1, 19, 20, 21, 39, 40, 1471, 1472, 1473, 9000, 65_507];
    const garbage = lengths.flatMap(length =>
      [0x00, 0x45, 0x4f, 0x60, 0xff].map(byte => Buffer.alloc(length, byte).toString('hex')),
    );
    await send(node2, node2.address, node1.address, garbage);
    // From a peer, but from a container of another; from a peer to somewhere else than our subnet.
    await send(node2, node2.address, node1.address, [
      echo(three.address, one.address),
      echo(two.address, '192.0.2.1'),
    ]);
    // From nobody who is a peer.
    await node2.run(['ip', 'address', 'add', node2.address.replace(/\d+$/, '250/24'), 'dev', 'eth0']);
    await send(node2, node2.address.replace(/\d+$/, '250'), node1.address, [echo(two.address, one.address)]);
    // A peer that greets before its lease is known is counted, too: only what came since then is ours.
    const counted = async () => {
      const after = await counters();
      return (name: string) => after(name) - before(name);
    };
    await expect.poll(async () => (await counted())('unknown_peer')).toBe(1);
    const ours = await counted();
    expect(ours('foreign_source')).toBeGreaterThanOrEqual(1);
    expect(ours('foreign_destination')).toBe(1);
    expect(ours('malformed')).toBeGreaterThan(30);
    expect([await echoes(), ours('received_packets')]).toEqual([echoesBefore, 0]);
    await cluster.expectReachable();
  });
});
