// Where etcd is and who to be there.
import { UsageError } from '../lib/errors.ts';
import type { Settings } from './settings.ts';

const endpointForm =
  /^(?<scheme>https?:\/\/)?(?:(?<user>[^\s"'/:@]*):(?<password>[^\s"'/@]*)@)?(?<host>[^\s"'/@]+)\/*$/;

/**
 * The endpoints and who to be there; credentials inside an endpoint, as upstream 0.7 allows, end up apart from it.
 * Quotation marks get here through a unit's environment file, and would never match a host.
 */
export function etcdOf({ text, source }: Settings) {
  const words = text('etcd-endpoints')
    .split(',')
    .map(word => word.trim())
    .filter(Boolean);
  const parts = words.map(word => endpointForm.exec(word)?.groups);
  const wrong = words.find((_, index) => !parts[index]);
  if (wrong !== undefined || words.length === 0)
    throw new UsageError(
      `${source('etcd-endpoints')} ${(wrong ?? '""').replace(/^.*@/, '…@')} is not an etcd endpoint`,
      { hint: 'endpoints look like http://10.0.0.1:2379, without quotation marks, separated by commas' },
    );
  const inside = text('etcd-username') ? undefined : parts.find(part => part?.password);
  return {
    etcdEndpoints: parts.map(part => `${part?.scheme ?? ''}${part?.host}`),
    etcdUsername: decoded(inside?.user) ?? text('etcd-username'),
    etcdPassword: decoded(inside?.password) ?? text('etcd-password'),
  };
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text && decodeURIComponent(text);
  } catch {
    return text; // a percent sign that means itself
  }
}
