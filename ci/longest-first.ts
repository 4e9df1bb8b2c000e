// The order of test files: those known to take long begin first, so that the end is not a wait for one of them.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** More than half a minute, longest first. */
export const longest: readonly string[] = [
  'harness/trace/trace.contract.ts',
  'scenarios/wireguard.scenario.ts',
  'harness/cli/lab.contract.ts',
  'scenarios/etcd-members.scenario.ts',
  'daemon/store/etcd-faults.contract.ts',
  'scenarios/museum/J02-source-addresses.scenario.ts',
  'scenarios/udp.scenario.ts',
  'harness/faults/etcd-members.contract.ts',
  'scenarios/seed.scenario.ts',
  'harness/faults/faults.contract.ts',
  'harness/drivers/drivers.contract.ts',
  'scenarios/museum/J04-rules-vanish.scenario.ts',
  'scenarios/membership.scenario.ts',
  'scenarios/reboot.scenario.ts',
  'scenarios/restart.scenario.ts',
];

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rest = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex(path => moduleId.endsWith(path));
      return at < 0 ? longest.length : at;
    };
    return rest.toSorted((a, b) => groupOrder(a) - groupOrder(b) || rank(a) - rank(b));
  }
}

const groupOrder = ({ project }: TestSpecification) => project.config.sequence.groupOrder;
