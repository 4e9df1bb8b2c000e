// Log lines with a level and a reason, one line each, on whatever stream the composition root gives.

export type Level = 'debug' | 'info' | 'warn' | 'error';
/** The names that JSON lines use themselves are taken. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>> & {
  readonly time?: never;
  readonly level?: never;
  readonly message?: never;
};

export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

export interface LogOptions {
  /** Takes one finished line without its newline. */
  readonly write: (line: string, level: Level) => void;
  /** The least level that is written. Default info. */
  readonly level?: Level;
  /** Default text. */
  readonly format?: 'text' | 'json';
  readonly now?: () => Date;
}

const order: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** Whether a line of level `own` is written where `least` is asked for. */
export function isAtLeast(own: Level, least: Level): boolean {
  return order.indexOf(own) >= order.indexOf(least);
}

/**
 * `2026-01-31T10:11:12.131Z info  lease acquired subnet=10.5.3.0/24`, newlines inside a value escaped; or the same as
 * `{"time":"2026-01-31T10:11:12.131Z","level":"info","message":"lease acquired","subnet":"10.5.3.0/24"}`.
 */
export function createLogger(options: LogOptions): Logger {
  const { write, level = 'info', format = 'text', now = () => new Date() } = options;
  const at =
    (own: Level) =>
    (message: string, fields: Fields = {}) => {
      if (!isAtLeast(own, level)) return;
      const time = now().toISOString();
      const line =
        format === 'json'
          ? JSON.stringify({ time, level: own, message, ...fields })
          : `${time} ${own.padEnd(5)} ${escapeNewlines(message)}${renderFields(fields)}`;
      write(line, own);
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
