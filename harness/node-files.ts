// Where a node keeps what the daemon, mk-docker-opts and docker hand to each other; the same on every driver.

/** Written by the daemon; its presence means: ready. */
export const subnetFile = '/run/flannel/subnet.env';
/** Written by mk-docker-opts, read by docker. */
export const dockerEnvFile = '/run/flannel/docker.env';
/** The variable in it that holds all options. */
export const dockerEnvKey = 'DOCKER_NETWORK_OPTIONS';

export const mkDockerOptsArgs = ['-k', dockerEnvKey, '-d', dockerEnvFile, '-f', subnetFile] as const;
