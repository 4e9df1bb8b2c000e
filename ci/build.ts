// Builds what is shipped: `node ci/build.ts --daemon <folder>` the daemon alone, without arguments all of dist/.
import { fileURLToPath } from 'node:url';
import { buildDaemon } from './build-daemon.ts';

const [flag, folder] = process.argv.slice(2);
const dist = fileURLToPath(new URL('../dist', import.meta.url));
if (flag !== undefined && (flag !== '--daemon' || folder === undefined)) {
  process.stderr.write('usage: node ci/build.ts [--daemon <folder>]\n');
  process.exit(2);
}
await buildDaemon(folder ?? dist);
