// Reads a backend's own keys of the configuration, naming each by the spelling of the documentation.
import type * as z from 'zod/mini';
import type { GoJson } from '../model/go-json.ts';
import type { ConfigProblem } from '../model/network-config.ts';

/** `names` maps the lower-case member names of `schema` to their documented spelling. `null` means absent. */
export function readSettings<Schema extends z.ZodMiniType>(
  schema: Schema,
  names: Readonly<Record<string, string>>,
  config: GoJson,
): { readonly settings: z.output<Schema> } | { readonly problems: readonly ConfigProblem[] } {
  const members = Object.entries(config ?? {}).filter(([, value]) => value !== null);
  const given = Object.fromEntries(members);
  const { success, data, error } = schema.safeParse(given);
  if (success) return { settings: data };
  const problems = error.issues.map(({ path: [name = ''], message }) => ({
    key: `Backend.${names[String(name)] ?? String(name)}`,
    value: JSON.stringify(given[String(name)]) ?? '',
    problem: message,
  }));
  return { problems };
}
