// An uplink that sends later, without a queue of the kernel: what leaves is led through a TAP device, whose owner holds it.
import { readFile } from 'node:fs/promises';
import { nativeKoffi } from '../../lib/native-koffi.ts';
import type { NodeHandle } from '../drivers/driver.ts';

const device = 'lab-late';
/** Marks what has been held; a veth wipes it off when the packet leaves the node. */
const mark = '0x6c6162';

/** Frames that wait at most, as many as netem gets for the same. */
const most = 10_000;

/**
 * Runs on the node, so it is text: `node late.cjs <native part of koffi> <ms>`. Ends when its device is deleted. A TAP
 * device is had by an ioctl, which Node cannot make and koffi can.
 * TUNSETIFF, IFF_TAP and IFF_NO_PI are of <linux/if_tun.h>; struct ifreq of <linux/if.h> has 40 bytes.
 */
const program = `
const { openSync, read, writeSync } = require('node:fs');
const [library, delay] = process.argv.slice(2);
const native = { exports: {} };
process.dlopen(native, library);
const ioctl = native.exports.load(null).func('int ioctl(int fd, unsigned long request, const void *argument)');
const tap = openSync('/dev/net/tun', 'r+');
const wanted = Buffer.alloc(40);
wanted.write('${device}');
wanted.writeUInt16LE(0x1002, 16);
if (ioctl(tap, 0x400454ca, wanted) !== 0) throw new Error('no ${device} to be had');
const held = [];
const room = Buffer.alloc(65536);
function release() {
  while (held.length > 0 && held[0].due <= performance.now()) {
    // It is left out when the uplink is down, as the kernel would.
    try { writeSync(tap, held.shift().frame); } catch {}
  }
  if (held.length > 0) setTimeout(release, held[0].due - performance.now());
}
function take() {
  read(tap, room, (error, length) => {
    if (error) return;
    if (held.length < ${most}) {
      held.push({ due: performance.now() + Number(delay), frame: Buffer.from(room.subarray(0, length)) });
      if (held.length === 1) setTimeout(release, Number(delay));
    }
    take();
  });
}
take();
writeSync(1, 'ready\\n');
`;

/** The diversion: what leaves on that device goes to the TAP device, and what comes out of this leaves in its place. */
const diversion = (name: string, uplink: string) => `table netdev ${name} {
chain leaving {
type filter hook egress device "${uplink}" priority 0
meta mark ${mark} accept
fwd to "${device}"
}
chain held {
type filter hook ingress device "${device}" priority 0
meta mark set ${mark}
fwd to "${uplink}"
}
}
`;

export interface LateUplink {
  put(): Promise<unknown>;
  /** Succeeds when it is gone already. What is held just then is lost. */
  remove(): Promise<unknown>;
}

/** `name`: of the table of nftables, and of files below /run while the program starts. */
export function lateUplink(node: NodeHandle, name: string, milliseconds: number): LateUplink {
  const file = `/run/${name}`;
  const sh = (script: string, input = '') => node.run(['sh', '-c', script], { input });
  return {
    async put() {
      await sh(`base64 -d >${file}.node`, await readFile(nativeKoffi(), 'base64'));
      // Never a word of its own: the kernel would greet the neighbours of a device with IPv6.
      await sh(
        `set -e
cat >${file}.cjs
ip tuntap add dev ${device} mode tap
sysctl -qw net.ipv6.conf.${device}.disable_ipv6=1
ip link set ${device} mtu 65521 txqueuelen ${most} arp off up
setsid node ${file}.cjs ${file}.node ${milliseconds} >${file}.log 2>&1 </dev/null &
until [ -s ${file}.log ] || ! kill -0 $!; do sleep 0.01; done
grep -qx ready ${file}.log || { cat ${file}.log >&2; exit 1; }
rm ${file}.cjs ${file}.node ${file}.log`,
        program,
      );
      await node.run(['nft', '-f', '-'], { input: diversion(name, 'eth0') });
    },
    remove: () =>
      sh(`nft delete table netdev ${name} 2>/dev/null
! ip link show ${device} >/dev/null 2>&1 || ip link delete ${device}
rm -f ${file}.cjs ${file}.node ${file}.log`),
  };
}

/** Shell for whether a node has one. */
export const hasLateUplink = `ip link show ${device} >/dev/null 2>&1`;

/** What the kernel says against leading packets elsewhere; undefined when it can. Tried on the loopback, which carries on. */
export async function whyNotLate(node: NodeHandle, name: string): Promise<string | undefined> {
  const table = `table netdev ${name} {
chain leaving {
type filter hook egress device "lo" priority 0
meta mark ${mark} fwd to "lo"
}
}
delete table netdev ${name}
`;
  const { code, stderr } = await node.run(['nft', '-f', '-'], { input: table, okCodes: [0, 1] });
  if (code !== 0) return stderr.trim();
  const tun = await node.run(['test', '-c', '/dev/net/tun'], { okCodes: [0, 1] });
  return tun.code === 0 ? undefined : 'there is no /dev/net/tun';
}
