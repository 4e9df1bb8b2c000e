// Log lines with a level and a reason, one line each, on whatever stream the composition root gives.

export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

export interface LogOptions {
  /** Takes one finished line without its newline. */
  readonly write: (line: string) => void;
  /** The least level that is written. Default info. */
  readonly level?: Level;
  readonly now?: () => Date;
}

const order: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** `2026-01-31T10:11:12.131Z info  lease acquired subnet=10.5.3.0/24`. Newlines inside a value are escaped. */
export function createLogger({ write, level = 'info', now = () => new Date() }: LogOptions): Logger {
  const at =
    (own: Level) =>
    (message: string, fields: Fields = {}) => {
      if (order.indexOf(own) < order.indexOf(level)) return;
      write(`${now().toISOString()} ${own.padEnd(5)} ${escapeNewlines(message)}${renderFields(fields)}`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** For tests and for callers that do not care. */
export const silent: Logger = createLogger({ write: () => {} });

function renderFields(fields: Fields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${renderValue(String(value))}`)
    .join('');
}

function renderValue(text: string): string {
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

function escapeNewlines(text: string): string {
  return text.replaceAll('\n', '\\n');
}
