// What commands on a node that is off come to, on every driver.
import { UserError } from '../../lib/errors.ts';

/** The node has crashed, and not booted since. */
export class NodeOff extends UserError {
  constructor(node: string, options: { readonly cause?: unknown } = {}) {
    super(`${node} is off`, { ...options, hint: 'lab heal   # boots what a fault has turned off' });
    this.name = 'NodeOff';
  }
}

/** The promise's value, or `otherwise` from a node that is off. */
export function unlessOff<T>(promise: Promise<T>, otherwise: T): Promise<T> {
  return promise.catch(error => {
    if (error instanceof NodeOff) return otherwise;
    throw error;
  });
}
