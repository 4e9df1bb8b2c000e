// The texts of a deployment by hand, as people wrote them for flannel 0.7, and what flanneld and mk-docker-opts write.

/** Where that deployment keeps its network in etcd. */
export const prefix = '/sky-mobi.com/network';
/** Written to `<prefix>/config`, blanks and all. */
export const config = '{ "Network": "172.17.0.0/16" }';

/** /usr/lib/systemd/system/flanneld.service, of which only the address of etcd is ours. */
export const flanneldService = (endpoint: string) => `[Unit]
Description=Flanneld overlay address etcd agent
After=network.target
After=network-online.target
Wants=network-online.target
After=etcd.service
Before=docker.service

[Service]
Type=notify
EnvironmentFile=-/usr/local/flannel/etc/flanneld.conf
EnvironmentFile=-/etc/sysconfig/docker-network
# -etcd-endpoints: etcd地址
# -etcd-prefix: etcd网络配置存储路径
ExecStart=/usr/local/flannel/bin/flanneld \\
	-etcd-endpoints=${endpoint} \\
	-etcd-prefix=${prefix} \\
    -subnet-file=/run/flannel/subnet.env \\
    -log_dir=/var/log \\
    -logtostderr

ExecStartPost=/usr/local/flannel/bin/mk-docker-opts.sh -k DOCKER_NETWORK_OPTIONS -d /etc/sysconfig/docker-network -f /run/flannel/subnet.env
Restart=on-failure

[Install]
WantedBy=multi-user.target
RequiredBy=docker.service
`;

/** A drop-in for docker.service that makes it what Red Hat's is: options of its network come from that file. */
export const dockerNetworkOptions = `[Service]
EnvironmentFile=-/etc/sysconfig/docker-network
ExecStart=
ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS $DOCKER_NETWORK_OPTIONS
`;

/** What a node comes to. */
export interface Outcome {
  /** Of the containers, in bytes. */
  readonly mtu: number;
  /** Whether flanneld masquerades what leaves the network; else docker does, and not only that. */
  readonly ipMasq: boolean;
}

/** What flanneld writes, and what mk-docker-opts makes of it. `gateway`: `172.17.38.1/24`. */
export const subnetEnv = (gateway: string, { mtu, ipMasq }: Outcome) => `FLANNEL_NETWORK=172.17.0.0/16
FLANNEL_SUBNET=${gateway}
FLANNEL_MTU=${mtu}
FLANNEL_IPMASQ=${ipMasq}
`;
export const dockerOptions = (gateway: string, { mtu, ipMasq }: Outcome) => `DOCKER_OPT_BIP="--bip=${gateway}"
DOCKER_OPT_IPMASQ="--ip-masq=${!ipMasq}"
DOCKER_OPT_MTU="--mtu=${mtu}"
DOCKER_NETWORK_OPTIONS=" --bip=${gateway} --ip-masq=${!ipMasq} --mtu=${mtu}"
`;
