// Where scenarios run: every driver that can run here with every backend, and a reason for each that cannot.
import { describe, test as plainTest } from 'vitest';
import { findProgram } from '../../lib/places.ts';
import type { Driver, DriverName, Problem } from '../drivers/driver.ts';
import { driverNames, loadDriver } from '../drivers/index.ts';

export interface Platform {
  readonly driver: DriverName;
  readonly backend: string;
}

export interface PlatformOptions {
  /** Drivers the scenarios make sense on. Default: all. */
  readonly drivers?: readonly DriverName[];
  /** Default: vxlan and host-gw. */
  readonly backends?: readonly string[];
  /** What netns nodes need beyond the usual, each with the Debian package that has it. Default: nothing. */
  readonly programs?: Readonly<Record<string, string>>;
}

const required = (process.env.REQUIRE ?? '').split(',').filter(Boolean);
const drivers: readonly Driver[] = await Promise.all(driverNames.map(loadDriver));
const problemsOf = new Map<DriverName, readonly Problem[]>(
  await Promise.all(
    drivers.map(async driver => [driver.name, await driver.preflight()] satisfies [DriverName, unknown]),
  ),
);

/** Registers `body` once for each driver, in a block of its name; one that cannot run here is dealt with as below. */
export function onEveryDriver(body: (driver: Driver) => void): void {
  for (const driver of drivers) {
    const problems = problemsOf.get(driver.name) ?? [];
    if (problems.length > 0) notHere(driver.name, problems);
    else describe(driver.name, () => body(driver));
  }
}

/**
 * Registers `body` once for each platform. DRIVER=netns or BACKEND=vxlan in the environment narrows the choice.
 * A driver that cannot run here is skipped with its reason in the name, or fails when REQUIRE lists it.
 */
export function onEveryPlatform(options: PlatformOptions, body: (platform: Platform) => void): void {
  const names = (options.drivers ?? driverNames).filter(name => (process.env.DRIVER ?? name) === name);
  const backends = (options.backends ?? ['vxlan', 'host-gw']).filter(
    type => (process.env.BACKEND ?? type) === type,
  );
  if (names.length === 0) leftOut(`DRIVER=${process.env.DRIVER}`);
  for (const driver of names) {
    const problems = [...(problemsOf.get(driver) ?? []), ...(driver === 'netns' ? missing(options) : [])];
    if (problems.length > 0) notHere(driver, problems);
    else if (backends.length === 0) leftOut(`BACKEND=${process.env.BACKEND}`);
    else for (const backend of backends) describe(`${driver} ${backend}`, () => body({ driver, backend }));
  }
}

/** Nodes of docker bring theirs in the image. */
function missing({ programs = {} }: PlatformOptions): readonly Problem[] {
  return Object.entries(programs)
    .filter(([program]) => !findProgram(program))
    .map(([program, debian]) => ({
      what: `the program ${program} is missing`,
      fix: `apt-get install ${debian}`,
    }));
}

/** A file without any test would count as broken. */
function leftOut(reason: string): void {
  describe.skip(`left out by ${reason}`, () => {
    plainTest('everything', () => {});
  });
}

function notHere(driver: DriverName, problems: readonly Problem[]): void {
  const reason = problems.map(({ what, fix }) => `${what} (${fix})`).join('; ');
  if (!required.includes(driver)) {
    describe.skip(`${driver} skipped: ${reason}`, () => {
      plainTest('everything', () => {});
    });
    return;
  }
  plainTest(`${driver} is required`, () => {
    throw new Error(`REQUIRE lists the ${driver} driver, which cannot run here: ${reason}`);
  });
}
