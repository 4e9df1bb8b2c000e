// The help texts, made from the same tables that parse the command line; pure.

import { table } from '../../lib/table.ts';
import type { Command } from './command.ts';

export function usageLine({ name, operands, flags }: Command): string {
  const words = Object.entries(flags).map(([flag, { type, value = 'X' }]) =>
    type === 'boolean' ? `[--${flag}]` : `[--${flag} ${value}]`,
  );
  return ['lab', name, ...words, '[--json]', operands].filter(Boolean).join(' ');
}

/** One verb: its usage and flags. All verbs: a list. */
export function helpText(commands: readonly Command[]): string {
  const [only, ...others] = commands;
  if (only && others.length === 0) return `${only.summary}\n\n  ${usageLine(only)}\n\n${flagTable(only)}\n`;
  const rows = commands.map(({ name, summary }) => [`  ${name}`, summary]);
  return `lab brings up clusters of nodes that run a flannel daemon, and tests them.

  npm run lab                      up, check, down: the same as \`lab verify\`
  npm run lab -- <verb> [flags]    \`lab <verb> --help\` explains one verb

${table(rows)}

Results are on stdout, progress on stderr. Exit code: 0 ok, 1 the cluster failed the check, 2 misuse or something missing.
`;
}

function flagTable({ flags }: Command): string {
  const rows = Object.entries(flags).map(([name, { type, value = 'X', help }]) => [
    `  --${name}${type === 'string' ? ` ${value}` : ''}`,
    help,
  ]);
  return table([...rows, ['  --json', 'one JSON object on stdout']]);
}
