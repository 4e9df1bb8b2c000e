// Files of NAME=value lines, as a shell would read them when nothing in them asks for expansion.

/** The variables of `text`; quotes, comments and `export` are understood, other lines skipped. Never throws. */
export function parseEnvFile(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) values.set(name, unquote(value.trim()));
  }
  return values;
}

function unquote(value: string): string {
  const [, double, single] = /^(?:"([^"]*)"|'([^']*)')(?:\s+#.*)?$/.exec(value) ?? [];
  return double ?? single ?? value.replace(/(^|\s+)#.*$/, '');
}
