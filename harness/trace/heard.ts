// What was heard of pings while they were lost once more, besides packet filters: a reason of the kernel, a capture; pure.
import { type Captured, capturePlace } from './capture.ts';
import type { Cause } from './checks/finding.ts';
import type { FilterVerdict } from './filter-trace.ts';
import type { KernelDrop } from './kernel-drops.ts';
import type { Loss } from './loss.ts';
import type { Hop } from './path.ts';

export interface Heard {
  readonly filters: readonly FilterVerdict[];
  readonly drops: readonly KernelDrop[];
  /** By node. */
  readonly captured: ReadonlyMap<string, Captured>;
}

export const nothingHeard: Heard = { filters: [], drops: [], captured: new Map() };

/** `show`: the command that shows it. */
interface Told {
  readonly cause: Cause;
  readonly text: string;
  readonly show: string;
}

/** Of the pings that are sent, so many must have met the same end. */
const enough = 3;

type Reason = readonly [cause: Cause, says: string, show: (loss: Loss) => string];

const route: Reason[2] = ({ path: { from, to } }) =>
  `ip rule; ip route get ${to.address} from ${from.address}`;
const neighbours: Reason = ['no-neighbour', 'nobody answers for the next hop', () => 'ip neigh'];
const noRoute: Reason = ['no-route', 'no route leads to it', route];
const queue: Reason = ['queue-drop', 'a queue is full or lets nothing pass', () => 'tc -s qdisc show'];
const program: Reason = [
  'filter-drop',
  'a program of tc or XDP drops it',
  () => 'tc filter show; ip link show',
];
const badAddress: Reason = ['bad-address', 'one of its addresses cannot be', route];
const stranger: Reason = ['stale-mac', 'its MAC is not that of the device', () => 'ip link show; ip neigh'];

/** What the kernel's reasons come to; see include/net/dropreason-core.h of Linux. */
const reasons: Readonly<Record<string, Reason>> = {
  IP_RPFILTER: ['rp-filter', 'the way back is another one', route],
  XFRM_POLICY: ['ipsec-drop', 'a policy of IPsec blocks it', () => 'ip xfrm policy'],
  IP_INNOROUTES: noRoute,
  IP_OUTNOROUTES: noRoute,
  NEIGH_FAILED: neighbours,
  NEIGH_DEAD: neighbours,
  NEIGH_CREATEFAIL: neighbours,
  NEIGH_QUEUEFULL: neighbours,
  QDISC_DROP: queue,
  QDISC_OVERLIMIT: queue,
  QDISC_CONGESTED: queue,
  CPU_BACKLOG: queue,
  FULL_RING: queue,
  TC_INGRESS: program,
  TC_EGRESS: program,
  XDP: program,
  VXLAN_VNI_NOT_FOUND: ['wrong-vni', 'no device has its VNI', () => 'ip -d link show type vxlan'],
  NO_TX_TARGET: ['no-fdb', 'no forwarding entry says where to', () => 'bridge fdb'],
  MAC_INVALID_SOURCE: stranger,
  OTHERHOST: stranger,
  DEV_READY: ['device-down', 'the device is not up', () => 'ip link show'],
  IP_INADDRERRORS: badAddress,
  IP_INVALID_SOURCE: badAddress,
  IP_INVALID_DEST: badAddress,
  IP_LOCAL_SOURCE: badAddress,
  IP_LOCALNET: badAddress,
};

/** Functions that say more than a kernel that does not specify its reason. */
const functions: Readonly<Record<string, Reason>> = { ip_error: noRoute };

/**
 * What explains a loss that nothing else does; undefined when nothing was heard that would. `filtered`: what it is that a
 * packet filter does there.
 */
export function heardBlame(loss: Loss, hop: Hop, filtered: Cause, heard: Heard): Told | undefined {
  const [most] = heard.drops;
  const drop = most && most.count >= enough ? most : undefined;
  return (
    (drop && known(drop, loss, hop, filtered)) ??
    fromCapture(loss, heard.captured) ??
    (drop && hop !== 'wire' ? { cause: 'kernel-drop', text: dropText(drop), show: 'nstat -sz' } : undefined)
  );
}

function dropText({ where, reason }: KernelDrop, says = ''): string {
  return `the kernel drops it in ${where}: ${reason}${says && ` (${says})`}`;
}

function known(drop: KernelDrop, loss: Loss, hop: Hop, filtered: Cause): Told | undefined {
  const reason = reasons[drop.reason] ?? functions[drop.where];
  // What lies between the nodes is none of theirs: `show` would look in the wrong place.
  if (hop === 'wire' && reason !== queue) return undefined;
  if (drop.reason === 'NETFILTER_DROP') {
    const show = 'nft list ruleset; iptables-legacy-save';
    return { cause: filtered, text: dropText(drop, 'a packet filter does'), show };
  }
  if (!reason) return undefined;
  const [cause, says, show] = reason;
  // On the way to the underlay it is the other node that does not answer.
  const parted = reason === neighbours && hop === 'wrap';
  return { cause: parted ? 'underlay-partition' : cause, text: dropText(drop, says), show: show(loss) };
}

/**
 * Counters see what is about to leave a device before its queue does, and what comes in after programs of tc and XDP;
 * captures see it after the queue, and before those programs.
 */
function fromCapture({ path, last, next }: Loss, captured: Heard['captured']): Told | undefined {
  const point = (stage: Loss['last']) => path.points.find(each => each.stage === stage);
  const [left, awaited] = [point(last), point(next)];
  const seen = (at: typeof left) => {
    const place = at && capturePlace(at);
    return place === undefined ? undefined : (captured.get(at?.place ?? '')?.get(place) ?? 0);
  };
  if (awaited?.device && (seen(awaited) ?? 0) >= enough) {
    const text = `it arrives on ${awaited.device} and goes no further: a program of tc or XDP drops it`;
    return { cause: 'filter-drop', text, show: `tc filter show dev ${awaited.device} ingress` };
  }
  if (!left?.device || !left.stage.endsWith('-out')) return undefined;
  const here = captured.get(left.place);
  // Where nothing at all was captured, that it did not leave is no news.
  const others = [...(here?.values() ?? [])].some(count => count >= enough);
  if (!others || seen(left) !== 0) return undefined;
  const text = `${left.device} has it to send and sends nothing: its queue is full or lets nothing pass`;
  return { cause: 'queue-drop', text, show: `tc -s qdisc show dev ${left.device}` };
}
