// JSON as Go decodes it into a struct: member names in any case, the last of equal names wins, integers are integers.

export type GoJson =
  | null
  | boolean
  | number
  | string
  | readonly GoJson[]
  | { readonly [name: string]: GoJson };

/**
 * Parses `text` with all member names in lower case. A number spelled with a fraction or an exponent becomes NaN,
 * because Go refuses `24.0` for an integer field. Never throws.
 */
export function parseGoJson(text: string): { readonly value: GoJson } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text, revive) };
  } catch (error) {
    // Without the piece of the text that it ends with, which can be of a key.
    const message = String(error instanceof Error ? error.message : error).replace(/, (\.\.\.)?".*$/s, '');
    return { problem: `is not valid JSON: ${message}` };
  }
}

function revive(_name: string, value: GoJson, context?: { source?: string }): GoJson {
  if (typeof value === 'number') return /[.eE]/.test(context?.source ?? '') ? Number.NaN : value;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]));
}
