// The flags that say where an etcd is and which cluster in it is meant, called as the daemon calls them.
import { posix } from 'node:path';
import { UsageError } from '../../lib/errors.ts';
import type { Flags, Parsed } from './args.ts';

export const endpointFlags = {
  'etcd-endpoints': {
    type: 'string',
    value: 'URLS',
    help: "of etcd, with commas between them, as the daemons' flag",
  },
  'etcd-prefix': { type: 'string', value: 'KEY', help: "as the daemons' flag; default /coreos.com/network" },
} as const satisfies Flags;

/** Undefined when the flag is not given. */
export function endpointsFrom(args: Parsed, flag: string): readonly string[] | undefined {
  const words = args
    .text(flag)
    ?.split(',')
    .map(word => word.trim().replace(/\/+$/, ''));
  const bad = words?.find(word => !/^https?:$/.test(URL.parse(word)?.protocol ?? ''));
  if (bad !== undefined)
    throw new UsageError(`--${flag} ${JSON.stringify(bad)} is not a URL`, {
      hint: `--${flag} http://127.0.0.1:2379`,
    });
  return words;
}

/** Slashes are tidied as the daemons do. */
export function prefixFrom(args: Parsed): string {
  return posix.normalize(args.text('etcd-prefix') ?? '/coreos.com/network').replace(/(.)\/$/, '$1');
}
