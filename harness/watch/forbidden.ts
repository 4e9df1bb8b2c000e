// Log lines that no daemon should print, whatever it is written in.

const forbidden: readonly RegExp[] = [
  /\bpanic\b|\bgoroutine \d+ \[|fatal error:|invalid memory address/i,
  /unhandled|uncaught|\bcore dumped\b|segmentation fault/i,
  // A frame of a stack trace.
  /^\s+at .+:\d+:\d+\)?$/,
  /\b(Type|Reference|Range|Syntax|Assertion)Error\b|MaxListenersExceeded|heap out of memory/,
  // 32 bytes in base64, said to be secret.
  /(private|preshared|psk)[\w" ]*[:= ]+"?[A-Za-z0-9+/]{43}=/i,
];

/** Those of the lines that match none of `allowed`. */
export function forbiddenLines(lines: readonly string[], allowed: readonly RegExp[]): readonly string[] {
  return lines.filter(
    line => forbidden.some(pattern => pattern.test(line)) && !allowed.some(pattern => pattern.test(line)),
  );
}
