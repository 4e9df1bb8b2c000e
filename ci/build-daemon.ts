// Bundles the daemon and mk-docker-opts into one file each, with the native part of koffi beside them.
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Writes flanneld.js, mk-docker-opts.js and koffi.node into `folder`. */
export async function buildDaemon(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await Promise.all([
    build({
      absWorkingDir: root,
      entryPoints: { flanneld: 'daemon/main.ts', 'mk-docker-opts': 'daemon/mk-docker-opts.ts' },
      outdir: folder,
      bundle: true,
      platform: 'node',
      target: 'node24',
      // CommonJS runs wherever the file is copied to, with and without a package.json above it.
      format: 'cjs',
      define: {
        'import.meta.url': 'bundleUrl',
        'import.meta.dirname': '__dirname',
      },
      banner: {
        js: '#!/usr/bin/env node\nconst bundleUrl = require("node:url").pathToFileURL(__filename).href;',
      },
      minifySyntax: true,
      legalComments: 'external',
      logLevel: 'error',
      plugins: [nativeBeside, preparedServices],
    }).then(() =>
      Promise.all(['flanneld.js', 'mk-docker-opts.js'].map(name => chmod(join(folder, name), 0o755))),
    ),
    copyFile(nativeKoffi(), join(folder, 'koffi.node')),
    writeFile(join(folder, 'package.json'), '{ "type": "commonjs" }\n'),
  ]);
}

/** koffi looks for its native part in packages that are not there once it is bundled. */
const nativeBeside: Plugin = {
  name: 'native-beside',
  setup({ onLoad }) {
    onLoad({ filter: /koffi[\\/]src[\\/]koffi[\\/]src[\\/]static\.js$/ }, () => ({
      contents: 'const native = require; export const loadStatic = () => native("./koffi.node");',
    }));
  },
};

function nativeKoffi(): string {
  const require = createRequire(createRequire(import.meta.url).resolve('koffi'));
  const folder = dirname(require.resolve(`@koromix/koffi-linux-${process.arch}`));
  return join(folder, `linux_${process.arch}`, 'koffi.node');
}

/** etcd3 describes its services at run time, from .proto files that are not there once it is bundled. */
const preparedServices: Plugin = {
  name: 'prepared-services',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@grpc\/proto-loader$/ }, () => ({ path: join(root, 'ci/etcd-services.ts') }));
    onResolve({ filter: /^etcd-proto$/ }, () => ({ path: 'etcd-proto', namespace: 'prepared' }));
    onLoad({ filter: /^etcd-proto$/, namespace: 'prepared' }, () => ({
      contents: JSON.stringify(etcdProto()),
      loader: 'json',
    }));
  },
};

/** etcd's rpc.proto as data. */
function etcdProto(): object {
  const fromEtcd3 = createRequire(createRequire(import.meta.url).resolve('etcd3'));
  const fromLoader = createRequire(fromEtcd3.resolve('@grpc/proto-loader'));
  const protobuf: typeof import('protobufjs') = fromLoader('protobufjs');
  const file = join(dirname(fromEtcd3.resolve('etcd3')), '../proto/rpc.proto');
  return new protobuf.Root().loadSync(file, { keepCase: true }).toJSON();
}
