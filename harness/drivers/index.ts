// The drivers there are, and which of them can run here. Each is loaded only when it is asked for.
import { UserError } from '../../lib/errors.ts';
import type { Driver, DriverName, Problem } from './driver.ts';

export const driverNames: readonly DriverName[] = ['netns', 'docker'];

export async function loadDriver(name: DriverName): Promise<Driver> {
  if (name === 'netns') return (await import('./netns/driver.ts')).netns;
  return (await import('./docker/driver.ts')).docker;
}

/** The driver, or an error that names everything it lacks with the commands that mend it. */
export async function readyDriver(name: DriverName): Promise<Driver> {
  const driver = await loadDriver(name);
  const problems = await driver.preflight();
  if (problems.length > 0) throw new NotReadyError(name, problems);
  return driver;
}

/** `docker` when an engine answers and the driver is ready, otherwise `netns`. */
export async function defaultDriver(): Promise<DriverName> {
  const docker = await loadDriver('docker');
  return (await docker.preflight()).length === 0 ? 'docker' : 'netns';
}

/** A prerequisite is missing: the command exits 2. */
export class NotReadyError extends UserError {
  constructor(driver: DriverName, problems: readonly Problem[]) {
    const list = problems.map(({ what, fix }) => `\n  - ${what}\n    ${fix}`).join('');
    super(`the ${driver} driver cannot run here:${list}`);
    this.name = 'NotReadyError';
  }
}
