// The backend's device, made before the lease: nobody may send to a node whose device cannot be made.
import { UserError } from '../../lib/errors.ts';
import { diff } from '../model/diff.ts';
import { underlayOf } from '../model/underlay.ts';
import type { Settlement } from './node.ts';
import { reportChanges } from './report.ts';

/** Goes by what was read at start, without reading again. Rejects with a UserError when there is no device after it. */
export async function prepareDevice(
  { kernel, backend, identity, present, log }: Settlement,
  signal: AbortSignal,
): Promise<void> {
  const wanted = backend
    .desired({ self: identity.self, subnets: {}, peers: [], underlay: underlayOf(present) })
    .filter(({ kind }) => kind === 'link');
  const { ops } = diff(wanted, present, () => false);
  if (ops.length === 0) return;
  const [failure] = await kernel.apply(ops, signal);
  if (failure)
    throw new UserError(`cannot set up ${backend.devices.join(', ')}: ${failure.reason}`, {
      hint: 'it takes CAP_NET_ADMIN, a kernel with the module, and no other device with the same VNI and port',
    });
  reportChanges(ops, log);
}
