// A promise with a time limit: what is late is an error that says what was late.
import { UserError } from '../../lib/errors.ts';

export async function within<T>(promise: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new UserError(`${what} took longer than ${Math.round(milliseconds)} ms`);
    timer = setTimeout(() => reject(error), milliseconds);
  });
  // Whoever comes second may still fail, and nobody waits for it then.
  promise.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
