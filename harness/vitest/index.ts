// `flannel-lab/vitest`: what a scenario imports, in this repository and in others.
export { describe, expect } from 'vitest';
export { type UntilOptions, until } from '../../lib/wait.ts';
export type { Cluster } from '../cluster.ts';
export type { NodeHandle, WorkloadHandle } from '../drivers/driver.ts';
export type { Outage } from '../watch/outage.ts';
export { disturbanceLines, timeline, type WatchReport } from '../watch/report.ts';
export type { WatchSpec } from '../watch/watch-spec.ts';
export { onEveryPlatform, type Platform } from './platforms.ts';
export { type ScenarioSpec, test } from './test.ts';
