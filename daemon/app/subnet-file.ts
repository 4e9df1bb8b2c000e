// subnet.env: written when the lease is held, and again when the uplink's MTU changes what containers may send.
import { describeError, UserError } from '../../lib/errors.ts';
import type { Subnets } from '../model/lease.ts';
import { networksOf } from '../model/network-config.ts';
import { renderSubnetEnv } from '../model/subnet-env.ts';
import { writeAtomically } from './files.ts';
import type { Settlement } from './node.ts';

export interface SubnetFile {
  /** Throws a UserError when it cannot be written. */
  write(subnets: Subnets): void;
  /** Writes it again if it would be different now; a failure is logged. */
  update(): void;
}

export function createSubnetFile({ options, config, backend, identity, log }: Settlement): SubnetFile {
  const path = options.subnetFile;
  const networks = networksOf(config);
  let written: { readonly subnets: Subnets; readonly text: string } | undefined;
  const render = (subnets: Subnets) =>
    renderSubnetEnv({ networks, subnets, mtu: backend.mtu(identity.self.uplink), ipMasq: options.ipMasq });
  function write(subnets: Subnets): void {
    const text = render(subnets);
    try {
      writeAtomically(path, text);
    } catch (cause) {
      throw new UserError(`cannot write the subnet file ${path}: ${describeError(cause)}`, { cause });
    }
    written = { subnets, text };
    log.info('subnet file written', { path });
  }
  return {
    write,
    update() {
      if (!written || render(written.subnets) === written.text) return;
      try {
        write(written.subnets);
      } catch (error) {
        log.error(describeError(error));
      }
    },
  };
}
