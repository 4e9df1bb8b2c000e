// The containers of a cluster as testcontainers makes them: on one network with a fixed address, and never waited for.
import { basename } from 'node:path';
import { GenericContainer, PullPolicy, type StartedTestContainer } from 'testcontainers';
import type { DaemonProgram } from '../driver.ts';
import type { Labels } from './labels.ts';

export interface Place {
  readonly name: string;
  readonly network: string;
  readonly address: string;
  readonly labels: Labels;
}

/** Stops waiting before it starts: testcontainers removes a container whose wait fails, and what it could tell us with it. */
const noWait = {
  waitUntilReady: async () => {},
  withStartupTimeout: () => noWait,
  isStartupTimeoutSet: () => false,
  getStartupTimeout: () => 0,
};

class LabContainer extends GenericContainer {
  readonly #place: Place;
  readonly #volumes: readonly string[];

  /** `volumes`: paths of which each gets a volume that goes with the container. */
  constructor(image: string, place: Place, volumes: readonly string[] = []) {
    super(image);
    this.#place = place;
    this.#volumes = volumes;
    // Our labels say whose a container is; its own reaper would be one more image to pull.
    this.withAutoCleanup(false).withPullPolicy(PullPolicy.neverPull()).withWaitStrategy(noWait);
    this.withName(place.name)
      .withLabels({ ...place.labels })
      .withNetworkMode(place.network);
  }

  /** What testcontainers has no option for. */
  protected override async beforeContainerCreated(): Promise<void> {
    const { network, address, labels } = this.#place;
    // Those the image asks for have no labels, and would be nobody's once their container is gone.
    const Mounts = this.#volumes.map(Target => ({
      Type: 'volume',
      Target,
      VolumeOptions: { Labels: { ...labels } },
    }));
    Object.assign(this.hostConfig, { CgroupnsMode: 'private', Mounts });
    this.createOpts.NetworkingConfig = {
      EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: address } } },
    };
  }
}

/**
 * At its first boot a bare host exchanges our units for those of Debian's docker.io, whose options must say what this
 * machine cannot do; then systemd takes over, as in the image.
 */
const bareHost = `set -e
cd /etc/systemd/system
if [ -L docker.socket ]; then
	rm docker.socket docker.service flanneld.service
	ln -sf /lib/systemd/system/docker.service multi-user.target.wants/
	ln -s /lib/systemd/system/docker.socket sockets.target.wants/
	sh /usr/local/lib/flannel-lab/docker-options /etc/default/docker
	sed -i 's/^LAB_OPTIONS=\\(.*\\)/DOCKER_OPTS="\\1"/' /etc/default/docker
fi
exec /lib/systemd/systemd`;

export interface NodeFiles {
  readonly daemon: DaemonProgram;
  readonly flags: readonly string[];
  readonly docker: boolean;
  readonly bare?: boolean;
}

export function startNode(
  image: string,
  hostname: string,
  place: Place,
  files: NodeFiles,
): Promise<StartedTestContainer> {
  const container = new LabContainer(image, place, ['/var/lib/docker'])
    .withHostname(hostname)
    .withPrivilegedMode()
    .withTmpFs({ '/run': 'rw,exec', '/tmp': 'rw,exec' });
  const filled = files.bare
    ? container.withCommand(['sh', '-c', bareHost]).withCopyFilesToContainer(parcels(files.daemon))
    : container
        .withCopyFilesToContainer(programFiles(files.daemon))
        .withCopyContentToContainer(settings(files));
  return filled.start();
}

/** `publish`: etcd must be reached through a port of the engine's machine, because its network cannot be. */
export function startEtcd(
  image: string,
  hostname: string,
  place: Place,
  environment: Readonly<Record<string, string>>,
  publish: boolean,
): Promise<StartedTestContainer> {
  const container = new LabContainer(image, place).withHostname(hostname).withEnvironment({ ...environment });
  return (publish ? container.withExposedPorts(2379) : container).start();
}

function programFiles({ flanneld, mkDockerOpts, beside }: DaemonProgram) {
  const program = (source: string, name: string) => ({ source, target: `/opt/flannel/${name}`, mode: 0o755 });
  return [
    program(flanneld, 'flanneld'),
    program(mkDockerOpts, 'mk-docker-opts'),
    ...beside.map(file => program(file, basename(file))),
  ];
}

/** What is to be installed. */
function parcels({ flanneld, mkDockerOpts, tarball }: DaemonProgram) {
  if (tarball) return [{ source: tarball, target: `/root/${basename(tarball)}` }];
  return [
    { source: flanneld, target: '/root/flanneld', mode: 0o755 },
    { source: mkDockerOpts, target: '/root/mk-docker-opts.sh', mode: 0o755 },
  ];
}

function settings({ flags, docker }: NodeFiles) {
  const options = { content: `FLANNELD_OPTS=${quoted(flags)}\n`, target: '/etc/flannel/flanneld.env' };
  return docker ? [options] : [options, { content: '', target: '/etc/flannel/no-docker' }];
}

/** For systemd, which takes one level of quotes off when it reads the file and splits the rest like a shell. */
function quoted(flags: readonly string[]): string {
  const words = flags.map(flag => (/^[\w@%+=:,./-]+$/.test(flag) ? flag : `'${flag}'`));
  return `"${words.join(' ').replaceAll(/["\\]/g, '\\$&')}"`;
}
