// The shell programs that run inside a netns cluster; pure text, so that a person can read and try them.
import type { BridgeOptions } from './docker-options.ts';

/** Left alone, a bridge takes the lowest MAC of its ports, and whoever joins cuts off all who know the former one. */
const bridgeMac = '02:42:00:00:00:01';

/** Holder: first process of the cluster's PID namespace. All namespaces of the cluster die with it. */
export function holderScript({
  keep,
  mtu,
  gateway,
  gateway6,
}: {
  keep: boolean;
  mtu: number;
  gateway: string;
  gateway6: string;
}): string {
  return `set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/lab
ip link set lo up
ip link add underlay address ${bridgeMac} mtu ${mtu} type bridge
ip address add ${gateway} dev underlay
${ipv6(`ip address add ${gateway6} dev underlay nodad`)}
ip link set underlay up
echo ready
exec 3<&0 >/dev/null 2>&1
${keep ? 'sleep infinity &' : 'cat <&3 &   # ends when the process that made the cluster ends'}
wait || :`;
}

export interface Uplink {
  /** Of the node. */
  readonly name: string;
  /** Unique in the cluster. */
  readonly index: number;
  /** With its prefix length. */
  readonly address: string;
  readonly address6: string;
  readonly gateway: string;
  readonly gateway6: string;
  readonly mtu: number;
}

/** A node: network and mount namespaces with a /run of their own, and `eth0` on the underlay. Prints its PID. */
export function nodeScript(node: Uplink): string {
  return `set -e
unshare --net --mount sh -c '
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/flannel /run/lab /run/netns
  ip link set lo up
  touch /run/lab/up
  exec sleep infinity' >/dev/null 2>&1 </dev/null &
pid=$!
while [ ! -e /proc/$pid/root/run/lab/up ]; do kill -0 $pid; sleep 0.005; done
${uplinkScript(node)}
echo $pid`;
}

/** Gives the node whose process is `$pid` its `eth0`, address and default route. */
export function uplinkScript({ name, index, address, address6, gateway, gateway6, mtu }: Uplink): string {
  return `ip link add veth${index} mtu ${mtu} alias ${name} type veth peer name eth0 mtu ${mtu} netns $pid
ip link set veth${index} master underlay up
nsenter --net=/proc/$pid/ns/net ip -batch - <<END
address add ${address} dev eth0
link set eth0 up
route add default via ${gateway}
END
${ipv6(`nsenter --net=/proc/$pid/ns/net ip -batch - <<END
address add ${address6} dev eth0 nodad
route add default via ${gateway6}
END`)}`;
}

/** Gives a member of etcd a network namespace of its name, with `eth0` on the underlay. */
export function etcdUplinkScript(member: Pick<Uplink, 'name' | 'index' | 'address' | 'mtu'>): string {
  const { name, index, address, mtu } = member;
  return `ip netns add ${name}
ip link add veth${index} mtu ${mtu} alias ${name} type veth peer name eth0 mtu ${mtu} netns ${name}
ip link set veth${index} master underlay up
ip -n ${name} -batch - <<END
link set lo up
address add ${address} dev eth0
link set eth0 up
END`;
}

/** Left out on a machine whose kernel has no IPv6, or has it turned off. */
function ipv6(commands: string): string {
  return `if [ "$(cat /proc/sys/net/ipv6/conf/all/disable_ipv6 2>/dev/null)" = 0 ]; then
${commands}
fi`;
}

/** Starts a program in the background in /run/lab, its output in a file; its PID and exit code land in files beside it. */
export function startScript(name: string, commandLine: string): string {
  const file = `/run/lab/${name}`;
  return `rm -f ${file}.exit
cd /run/lab
setsid sh -c '
  env -i PATH="$PATH" ${commandLine.replaceAll("'", "'\\''")} >>${file}.log 2>&1 </dev/null &
  echo $! >${file}.pid
  wait $!
  echo $? >${file}.exit' >/dev/null 2>&1 </dev/null &
while [ ! -e ${file}.pid ]; do sleep 0.005; done`;
}

/** Signals what {@link startScript} started, waits for its end and prints its exit code. */
export function stopScript(name: string, signal: string): string {
  const file = `/run/lab/${name}`;
  return `[ -e ${file}.exit ] || kill -${signal} "$(cat ${file}.pid)"
while [ ! -e ${file}.exit ]; do sleep 0.01; done
cat ${file}.exit
rm -f ${file}.pid`;
}

/**
 * What dockerd does to a host with the same options: the bridge, forwarding (with policy DROP when dockerd is the one
 * who turns it on), its own accept rules and masquerading. iptables clears the host bits of `bip` itself.
 */
export function dockerBridgeScript({ bip, mtu, ipMasq }: BridgeOptions): string {
  return `set -e
ip link add docker0 address ${bridgeMac} ${mtu === undefined ? '' : `mtu ${mtu}`} type bridge
ip address add ${bip} dev docker0
ip link set docker0 up
forwarding=/proc/sys/net/ipv4/ip_forward
[ "$(cat $forwarding)" = 1 ] || { echo 1 >$forwarding; iptables -w -P FORWARD DROP; }
iptables -w -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -w -A FORWARD -i docker0 -j ACCEPT
${ipMasq ? `iptables -w -t nat -A POSTROUTING -s ${bip} ! -o docker0 -j MASQUERADE` : ''}`;
}

/** A container without the container: a network namespace on docker0. */
export function workloadScript(workload: {
  name: string;
  link: string;
  address: string;
  gateway: string;
  mtu: number;
}): string {
  const { name, link, address, gateway, mtu } = workload;
  return `set -e
ip netns add ${name}
ip link add ${link} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${name}
ip link set ${link} master docker0 up
ip -n ${name} -batch - <<END
link set lo up
address add ${address} dev eth0
link set eth0 up
route add default via ${gateway}
END`;
}
