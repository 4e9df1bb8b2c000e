// A pattern in the syntax of Go's regexp package as a RegExp: what this language would read otherwise is refused.

/** Classes, escapes and groups that RegExp takes for something else, or not at all. A pair of backslashes is skipped. */
const foreign = /\\\\|(?<construct>\[:\^?\w+:\]|\\(?:[AzQECapP]|x\{)|\(\?(?:P<|[imsU]*U))/g;
/** `(?i)` and the like at the beginning, which mean the same as flags here. */
const leading = /^\(\?([ims]+)\)/;

/** Throws a SyntaxError that says what is wrong. */
export function compileGoRegExp(pattern: string): RegExp {
  const construct = [...pattern.matchAll(foreign)].find(({ groups }) => groups?.construct)?.groups?.construct;
  if (construct !== undefined) throw new SyntaxError(`${construct} is not supported, write it otherwise`);
  const flags = leading.exec(pattern)?.[1] ?? '';
  return new RegExp(pattern.replace(leading, ''), [...new Set(flags)].join(''));
}
