// `lab verify` from start to end: a cluster of three nodes comes up, is checked and goes away.
import { clusterSpec } from '../harness/cluster-spec.ts';
import type { DriverName } from '../harness/drivers/driver.ts';
import { verify } from '../harness/verify.ts';
import type { Bench } from './compare.ts';
import { obstacle } from './testbed.ts';

export function verifyBench(driver: DriverName): Bench {
  return {
    unit: 's',
    what: `lab verify --driver ${driver}, 3 nodes, vxlan`,
    unavailable: () => obstacle(driver),
    measure: async daemon => {
      const spec = clusterSpec({ driver, name: `bench-${process.pid}`, daemons: { default: daemon } });
      const { verdict } = await verify(spec, AbortSignal.timeout(120_000), () => {});
      // A peer may fail the check (Go 0.20 loses watch events); its time up to a failed check says nothing.
      if (!verdict.ok) throw new Error(`${daemon} failed the check: ${verdict.failures?.join('; ')}`);
      return verdict.seconds.total;
    },
  };
}
