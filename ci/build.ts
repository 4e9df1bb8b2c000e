// Builds what is shipped: `node ci/build.ts --daemon <folder>` the daemon alone, without arguments all of dist/.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDaemon } from './build-daemon.ts';
import { buildHarness } from './build-harness.ts';

const [flag, folder] = process.argv.slice(2);
const dist = fileURLToPath(new URL('../dist', import.meta.url));
if (flag !== undefined && (flag !== '--daemon' || folder === undefined)) {
  process.stderr.write('usage: node ci/build.ts [--daemon <folder>]\n');
  process.exit(2);
}
await Promise.all(folder ? [buildDaemon(folder)] : [buildDaemon(join(dist, 'daemon')), buildHarness(dist)]);
