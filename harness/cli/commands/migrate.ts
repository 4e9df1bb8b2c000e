// lab migrate: copies configuration and leases of a cluster between etcd's v2 and v3 stores.
import { posix } from 'node:path';
import { UsageError } from '../../../lib/errors.ts';
import { table } from '../../../lib/table.ts';
import { type Api, type Migrated, migrate as migrateStores } from '../../migrate/migrate.ts';
import { holderOf, type Step } from '../../migrate/plan.ts';
import type { Parsed } from '../args.ts';
import type { Command } from '../command.ts';
import { endpointFlags, endpointsFrom, prefixFrom } from '../etcd-flags.ts';

export const migrate: Command = {
  name: 'migrate',
  summary: "copy configuration and leases between etcd's v2 and v3 stores, with their subnets and times",
  flags: {
    from: { type: 'string', value: 'v2|v3', help: 'where they are' },
    to: { type: 'string', value: 'v2|v3', help: 'where they are needed' },
    ...endpointFlags,
    'to-endpoints': { type: 'string', value: 'URLS', help: 'where the target is another etcd' },
    'dry-run': { type: 'boolean', help: 'say what would be written, and write nothing' },
  },

  async run({ args, out, signal }) {
    const [from, to] = [api(args, 'from'), api(args, 'to')];
    const endpoints = endpointsFrom(args, 'etcd-endpoints') ?? [];
    const targets = endpointsFrom(args, 'to-endpoints') ?? endpoints;
    const complaint = args.operands.length > 0 ? `${args.operands[0]}: not expected` : undefined;
    if (complaint || endpoints.length === 0 || from === to)
      throw new UsageError(complaint ?? (from === to ? `${from} to ${to} is no way` : 'say where etcd is'), {
        hint: 'lab migrate --from v2 --to v3 --etcd-endpoints http://127.0.0.1:2379 --dry-run',
      });
    if ([...endpoints, ...targets].some(url => !url.startsWith('http:')))
      throw new UsageError('only plain http is spoken to etcd', {
        hint: 'run it where etcd has an http endpoint',
      });
    const dryRun = args.on('dry-run');
    const prefix = prefixFrom(args);
    const done = await migrateStores(
      { from: { api: from, endpoints }, to: { api: to, endpoints: targets }, prefix, dryRun },
      signal,
    );
    const { plan, written, wrong } = done;
    const ok = plan.conflicts.length === 0 && wrong.length === 0;
    const keys = plan.steps.map(step => keyReport(step, done));
    out.data({ ok, dryRun, from, to, prefix, keys, ...plan, steps: undefined, wrong });
    out.line(table([['KEY', 'NODE', 'SECONDS LEFT', ''], ...keys.map(rowOf(dryRun))]));
    for (const key of plan.skipped) out.line(`skipped: ${posix.join(prefix, key)} is not the key of a lease`);
    for (const { key, why } of [...plan.conflicts, ...wrong]) out.line(`failed: ${key}: ${why}`);
    const todo = plan.steps.filter(({ action }) => action !== 'keep').length;
    const rest = `${plan.steps.length - todo} already there`;
    if (!ok)
      out.line(
        plan.conflicts.length > 0
          ? 'FAILED: nothing was written'
          : `FAILED: ${written.length} written; run it again`,
      );
    else if (dryRun) out.line(`ok: ${todo} to be written to etcd ${to}, ${rest}; nothing was written`);
    else out.line(`ok: ${written.length} written to etcd ${to} and read back, ${rest}`);
    return ok ? 0 : 1;
  },
};

function api(args: Parsed, flag: 'from' | 'to'): Api {
  const given = args.text(flag);
  if (given === 'v2' || given === 'v3') return given;
  throw new UsageError(
    given === undefined ? `say --${flag} which store` : `--${flag} ${given}: not v2 or v3`,
    {
      hint: `--${flag} v2 or --${flag} v3`,
    },
  );
}

interface KeyReport {
  readonly key: string;
  readonly node: string | null;
  /** Seconds left when the source was read; null for one that does not expire. */
  readonly ttl: number | null;
  readonly action: Step['action'];
  readonly written: boolean;
}

function keyReport({ record, action }: Step, { written }: Migrated): KeyReport {
  const { key, ttl } = record;
  return { key, node: holderOf(record) ?? null, ttl: ttl ?? null, action, written: written.includes(key) };
}

const words = {
  copy: { done: 'copied', todo: 'to be copied' },
  refresh: { done: 'given its time', todo: 'to be given its time' },
  keep: { done: 'already there', todo: 'already there' },
} as const;

function rowOf(dryRun: boolean) {
  return ({ key, node, ttl, action, written }: KeyReport): readonly string[] => {
    const what = written || action === 'keep' ? words[action].done : words[action].todo;
    return [
      key,
      node ?? '-',
      ttl === null ? 'stays' : String(ttl),
      dryRun || written || action === 'keep' ? what : `not written`,
    ];
  };
}
