// lab exec and lab shell: a command, or a shell, on a node or in a container.
import { execa } from 'execa';
import { UsageError } from '../../../lib/errors.ts';
import { type Argv, anyCode } from '../../../lib/run.ts';
import { clusterFromFlags, nameFlag, placeIn } from '../cluster-flags.ts';
import type { Command, Context } from '../command.ts';

export const exec: Command = {
  name: 'exec',
  summary: 'run a command on a node (node1) or in a container (node1/a)',
  operands: '<node>[/<container>] -- <command> …',
  flags: nameFlag,

  async run(context) {
    const [where, ...words] = context.args.operands;
    const [program, ...args] = words;
    if (!program) throw new UsageError('say where and what', { hint: 'lab exec node1 -- ip route' });
    if (!context.out.json) return foreground(context, where, [program, ...args], false);
    const cluster = await clusterFromFlags(context.args, context.signal);
    await using _store = cluster.store;
    const result = await placeIn(cluster, where).run([program, ...args], {
      okCodes: anyCode,
      timeout: 3_600_000,
    });
    context.out.data(result);
    return result.code;
  },
};

export const shell: Command = {
  name: 'shell',
  summary: 'open a shell on a node or in the network of a container',
  operands: '<node>[/<container>]',
  flags: nameFlag,

  run(context) {
    return foreground(context, context.args.operands[0] ?? 'node1', ['sh'], process.stdin.isTTY === true);
  },
};

/** On our own stdin, stdout and stderr; resolves with the command's exit code. */
async function foreground({ args, signal }: Context, where: string | undefined, argv: Argv, tty: boolean) {
  const cluster = await clusterFromFlags(args, signal);
  await using _store = cluster.store;
  const [program, ...rest] = placeIn(cluster, where).commandLine(argv, { tty });
  const { exitCode } = await execa(program, rest, { stdio: 'inherit', reject: false });
  return exitCode ?? 1;
}
