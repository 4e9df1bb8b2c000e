// Finds the Docker engine that answers; the order is that of ci/setup.d/engine.sh.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { UsageError } from '../../../lib/errors.ts';
import { findProgram, runDir, stateDir } from '../../../lib/places.ts';

export interface Engine {
  /** As in $DOCKER_HOST: `unix:///var/run/docker.sock`. */
  readonly address: string;
  readonly docker: Docker;
}

export const howToGetAnEngine =
  process.getuid?.() === 0
    ? 'sh ci/setup --docker   # runs a private one'
    : 'sudo sh ci/setup --docker   # runs a private one; or start your own and join its group';

/** Milliseconds an engine may take to say that it is there. */
const patience = 5000;

/** The first that answers: $DOCKER_HOST (no other is tried when it is set), the system's, the private one of set-up. */
export async function findEngine(env: NodeJS.ProcessEnv = process.env): Promise<Engine | undefined> {
  const candidates = env.DOCKER_HOST
    ? [env.DOCKER_HOST]
    : ['unix:///var/run/docker.sock', privateEngine(env)];
  for (const address of candidates) {
    const engine = await tryEngine(address);
    if (engine) return engine;
  }
  return undefined;
}

export async function needEngine(): Promise<Engine> {
  const engine = await findEngine();
  if (engine) {
    leadTestcontainers(engine);
    return engine;
  }
  throw new UsageError('no Docker engine answers', { hint: howToGetAnEngine });
}

/** testcontainers looks for an engine by itself, and can be told of ours by its environment only. */
function leadTestcontainers({ address }: Engine): void {
  process.env.DOCKER_HOST = address;
  // Within a container it asks the engine's default bridge for the way to the host, and the private engine has none.
  if (address === privateEngine()) process.env.TESTCONTAINERS_HOST_OVERRIDE ??= 'localhost';
}

function privateEngine(env: NodeJS.ProcessEnv = process.env): string {
  return `unix://${join(runDir(env), 'docker.sock')}`;
}

/** The docker command line: in PATH, or unpacked beside the private engine. */
export function dockerProgram(): string {
  const unpacked = join(stateDir(), 'engine/usr/bin/docker');
  const found = findProgram('docker') ?? (existsSync(unpacked) ? unpacked : undefined);
  if (found) return found;
  throw new UsageError('the docker command is not installed', { hint: 'apt-get install docker.io' });
}

async function tryEngine(address: string): Promise<Engine | undefined> {
  const socketPath = address.startsWith('unix://') ? address.slice('unix://'.length) : undefined;
  if (socketPath !== undefined && !existsSync(socketPath)) return undefined;
  const { default: Docker } = await import('dockerode');
  // Without a socket it reads $DOCKER_HOST itself, and the variables for TLS.
  const where = socketPath === undefined ? {} : { socketPath };
  try {
    await new Docker({ ...where, timeout: patience }).ping();
  } catch {
    return undefined;
  }
  return { address, docker: new Docker(where) };
}
