// Names that one process of a host can have at a time; whatever ends the process frees them.
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { UserError } from '../../lib/errors.ts';

/** sizeof(sun_path), less the zero byte in front of abstract names. */
const longest = 107;

/**
 * Takes each of `things` (e.g. `the device flannel.1`) for this process until it ends. Rejects with a UserError when
 * another process has one of them.
 *
 * The names are abstract UNIX sockets: they belong to the network namespace, as devices do, and leave no file behind.
 */
export async function takeNames(things: readonly string[]): Promise<void> {
  await Promise.all(things.map(take));
}

function take(thing: string): Promise<void> {
  const name = `flanneld: ${thing}`;
  const fits = Buffer.byteLength(name) <= longest;
  const address = fits ? name : `flanneld: ${createHash('sha256').update(name).digest('hex')}`;
  const server = createServer(connection => connection.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new UserError(
          taken ? `another flanneld on this host has ${thing}` : `cannot reserve ${thing}: ${cause.message}`,
          { cause, hint: taken ? `stop it first; it is: ss -xlp | grep '${address}'` : undefined },
        ),
      );
    });
    server.listen(`\0${address}`, () => {
      server.unref();
      resolve();
    });
  });
}
