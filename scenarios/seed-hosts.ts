// Installs flannel on bare hosts by hand, in two ways: as in flannel 0.7's time, or with the units of a release.
import { expect, type NodeHandle } from '../harness/vitest/index.ts';
import { dockerNetworkOptions, flanneldService, prefix } from './seed-units.ts';

/** A way to install, and what follows from it. */
export interface Way {
  /** Unpacks what lies in /root, and puts units and settings in place. */
  install(node: NodeHandle, endpoint: string): Promise<void>;
  /** The file that mk-docker-opts writes. */
  readonly options: string;
  /** Whether docker, and its containers, end with each end of flanneld. */
  readonly dockerFalls: boolean;
}

/** A file of the node, with the folders it is in. */
const write = (node: NodeHandle, path: string, input: string) =>
  sh(node, `mkdir -p "$(dirname ${path})" && cat >${path}`, input);

/** As a person types it; returns what it prints. */
export async function sh(node: NodeHandle, script: string, input = ''): Promise<string> {
  return (await node.run(['sh', '-ec', script], { input, timeout: 60_000 })).stdout;
}

export const byHand: Way = {
  async install(node, endpoint) {
    const bin = '/usr/local/flannel/bin';
    await sh(node, `mkdir -p ${bin} /etc/sysconfig`);
    // A release, or another flanneld with its script.
    await sh(
      node,
      `cd /root; for file in *.tar.gz; do if [ -e "$file" ]; then tar -xzf "$file" flanneld mk-docker-opts.sh; fi; done
mv flanneld mk-docker-opts.sh ${bin}/`,
    );
    await write(node, '/usr/lib/systemd/system/flanneld.service', flanneldService(endpoint));
    await write(node, '/etc/systemd/system/docker.service.d/network.conf', dockerNetworkOptions);
    await sh(node, 'systemctl daemon-reload; systemctl enable flanneld');
  },
  options: '/etc/sysconfig/docker-network',
  // Requires= of docker.service, by RequiredBy= of the unit.
  dockerFalls: true,
};

export const packaged: Way = {
  async install(node, endpoint) {
    await sh(
      node,
      `mkdir /root/flannel; cd /root/flannel; tar -xzf /root/flannel-*.tar.gz
install -m 755 flanneld mk-docker-opts.sh /usr/local/bin/
install -m 644 systemd/flanneld.service /etc/systemd/system/
install -m 644 -D systemd/docker.service.d/flannel.conf /etc/systemd/system/docker.service.d/flannel.conf`,
    );
    const settings = `FLANNELD_ETCD_ENDPOINTS=${endpoint}
FLANNELD_ETCD_PREFIX=${prefix}
FLANNELD_OPTIONS=-ip-masq
`;
    await write(node, '/etc/default/flanneld', settings);
    await sh(node, 'systemctl daemon-reload; systemctl enable flanneld');
  },
  options: '/run/flannel/docker',
  dockerFalls: false,
};

/** One property of a unit, as `systemctl show` has it. */
export async function property(node: NodeHandle, unit: string, name: string): Promise<string> {
  const argv = ['systemctl', 'show', unit, '--timestamp=us+utc', '--property', name, '--value'] as const;
  return (await node.run(argv)).stdout.trim();
}

/** Seconds since the epoch. */
async function since(node: NodeHandle, unit: string, name: string): Promise<number> {
  const text = await property(node, unit, name);
  const [, day = '', time = '', fraction = ''] = /(\S+) ([\d:]+)(\.\d+) UTC$/.exec(text) ?? [];
  return Date.parse(`${day}T${time}Z`) / 1000 + Number(fraction);
}

/** dockerd that runs has been started when this boot's options were written, and flanneld.service was active. */
export async function expectDockerWaited(node: NodeHandle, { options }: Way): Promise<void> {
  const [written, active, started] = await Promise.all([
    sh(node, `stat -c %.Y ${options}`).then(Number),
    since(node, 'flanneld', 'ActiveEnterTimestamp'),
    since(node, 'docker', 'ExecMainStartTimestamp'),
  ]);
  expect(started, `docker of ${node.name} starts, after its options are written`).toBeGreaterThan(written);
  expect(started, `docker of ${node.name} starts, after flanneld.service is active`).toBeGreaterThan(active);
}
