// Where the native part of koffi lies, for whoever has to take it elsewhere.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The file for this kind of machine with the C library of GNU. */
export function nativeKoffi(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('koffi'));
  const folder = dirname(require.resolve(`@koromix/koffi-linux-${process.arch}`));
  return join(folder, `linux_${process.arch}`, 'koffi.node');
}
