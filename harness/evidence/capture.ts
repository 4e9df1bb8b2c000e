// The last packets of a node's uplink, kept in a ring on the node from its boot on, for the day somebody wants to see them.
import { UserError } from '../../lib/errors.ts';
import { anyCode } from '../../lib/run.ts';
import type { NodeHandle } from '../drivers/driver.ts';

/** Two files of so many bytes, of which the older one is overwritten. */
const size = 1_000_000;
/** Bytes of each packet: all headers, those inside of a tunnel, too. */
const snap = 160;
/** Data in bulk would push out everything else; its acknowledgements tell as much. */
const filter = 'less 400';

const folder = '/run/lab-capture';
const pcapHeader = 24;

/** Not to be waited for. Where neither tcpdump nor dumpcap is there, or may not listen, there is no capture. */
export async function startCapture(node: NodeHandle): Promise<void> {
  const tcpdump = `tcpdump -p -n -i eth0 -s ${snap} -B 512 -C ${size / 1e6} -W 2 -Z root -w ${folder}/ring '${filter}'`;
  const dumpcap = `dumpcap -q -p -P -i eth0 -s ${snap} -B 1 -b filesize:${size / 1000} -b files:2 -w ${folder}/ring -f '${filter}'`;
  const script = `mkdir -p ${folder}
program=$(command -v tcpdump || command -v dumpcap) || exit 0
case $program in *tcpdump) set -- ${tcpdump} ;; *) set -- ${dumpcap} ;; esac
setsid "$@" >/run/lab-capture.log 2>&1 </dev/null &
echo $! >/run/lab-capture.pid`;
  await node.run(['sh', '-c', script], { okCodes: anyCode });
}

/** As a pcap file, oldest packet first. Rejects where nothing was captured, and says why. */
export async function readCapture(node: NodeHandle, timeout: number): Promise<Buffer> {
  // tcpdump writes in blocks, unless told to write what it has.
  const script = `[ -e ${folder} ] || exit 3
grep -q tcpdump "/proc/$(cat /run/lab-capture.pid)/comm" 2>/dev/null && kill -USR2 "$(cat /run/lab-capture.pid)" && sleep 0.05
cd ${folder} && set -- $(ls -tr) && [ $# -gt 0 ] || { cat /run/lab-capture.log >&2; exit 4; }
{ cat "$1"; shift; for file; do tail -c +${pcapHeader + 1} "$file"; done; } | base64`;
  const { code, stdout, stderr } = await node.run(['sh', '-c', script], { timeout, okCodes: [0, 3, 4] });
  if (code === 0) return Buffer.from(stdout, 'base64');
  throw new UserError(
    code === 3
      ? 'the cluster was made without capture'
      : stderr.trim() || 'neither tcpdump nor dumpcap is on the node',
    code === 3 ? {} : { hint: 'apt-get install tcpdump' },
  );
}
