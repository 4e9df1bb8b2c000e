// Bundles the daemon into few files, with the native part of koffi and mk-docker-opts beside them.
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type BuildOptions as EsbuildOptions, type Plugin } from 'esbuild';
import { nativeKoffi } from '../lib/native-koffi.ts';
import { etcdProto, keepCompiled } from './compiled-code.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** How every program that is handed out is bundled. */
export const bundling = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  // CommonJS runs wherever the file is copied to, with and without a package.json above it.
  format: 'cjs',
  charset: 'ascii',
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'error',
} as const satisfies EsbuildOptions;

/**
 * Writes flanneld.js with main.js, its compiled code, udp-worker.js and koffi.node, which it loads, and
 * mk-docker-opts.sh into `folder`. Returns the source files of which something is in it.
 */
export async function buildDaemon(folder: string, options: BuildOptions = {}): Promise<readonly string[]> {
  const sources = await bundleDaemon(folder, options);
  await keepCompiled(folder);
  return sources;
}

export interface BuildOptions {
  /** For `-version` to tell. */
  readonly commit?: string;
  /** They come before all others. */
  readonly plugins?: readonly Plugin[];
}

/** The same without compiled code, so that it starts later. */
export async function bundleDaemon(
  folder: string,
  { commit, plugins = [] }: BuildOptions = {},
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const entries = { main: 'daemon/main.ts', 'udp-worker': 'daemon/udp/worker.ts' };
  const define: Record<string, string> = commit ? { FLANNEL_COMMIT: JSON.stringify(commit) } : {};
  const [sources] = await Promise.all([
    bundle(folder, entries, { plugins, define }),
    bundle(folder, { flanneld: 'daemon/start.ts' }, { firstLine: '#!/usr/bin/env node\n' }).then(() =>
      chmod(join(folder, 'flanneld.js'), 0o755),
    ),
    copyFile(join(root, 'daemon/mk-docker-opts.sh'), join(folder, 'mk-docker-opts.sh')),
    copyFile(nativeKoffi(), join(folder, 'koffi.node')),
    writeFile(join(folder, 'package.json'), '{ "type": "commonjs" }\n'),
  ]);
  return sources;
}

interface BundleOptions {
  readonly firstLine?: string;
  readonly plugins?: readonly Plugin[];
  readonly define?: Readonly<Record<string, string>>;
}

async function bundle(
  folder: string,
  entryPoints: Readonly<Record<string, string>>,
  { firstLine = '', plugins = [], define = {} }: BundleOptions,
): Promise<readonly string[]> {
  const { metafile } = await build({
    ...bundling,
    entryPoints: { ...entryPoints },
    outdir: folder,
    metafile: true,
    define: {
      ...define,
      'import.meta.url': 'bundleUrl',
      'import.meta.dirname': '__dirname',
      // What Node has behind this takes 2 ms to load.
      'performance.now': 'bundleNow',
      // `long` goes without it where there is none, which is quicker than compiling what it has.
      WebAssembly: 'undefined',
    },
    banner: { js: `${firstLine}${prologue}` },
    legalComments: 'external',
    plugins: [...plugins, nativeBeside, preparedServices, sparing, whenCalled],
  });
  const kept = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  return kept.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
}

const prologue = [
  'const bundleUrl = require("node:url").pathToFileURL(__filename).href;',
  'const bundleNow = () => { const [seconds, rest] = process.hrtime(); return seconds * 1e3 + rest / 1e6; };',
].join('\n');

/** koffi looks for its native part in packages that are not there once it is bundled. */
const nativeBeside: Plugin = {
  name: 'native-beside',
  setup({ onLoad }) {
    onLoad({ filter: /koffi[\\/]src[\\/]koffi[\\/]src[\\/]static\.js$/ }, () => ({
      contents: 'const native = require; export const loadStatic = () => native("./koffi.node");',
    }));
  },
};

/** etcd3 describes its services at run time, from .proto files that are not there once it is bundled. */
const preparedServices: Plugin = {
  name: 'prepared-services',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@grpc\/proto-loader$/ }, () => ({ path: 'etcd-services', namespace: 'prepared' }));
    onLoad({ filter: /^etcd-services$/, namespace: 'prepared' }, async () => {
      // Loaded while esbuild is busy with the other files.
      const { servicesModule } = await import('./etcd-services.ts');
      return { contents: servicesModule(etcdProto()), resolveDir: root };
    });
  },
};

/** What grpc takes from Node, at the price of what the daemon uses of it. */
const sparing: Plugin = {
  name: 'sparing',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(net|zlib)$/ }, ({ path, importer }) =>
      importer.includes('@grpc') ? { path, namespace: 'sparing' } : undefined,
    );
    onLoad({ filter: /^zlib$/, namespace: 'sparing' }, () => ({ contents: whenUsed }));
    onLoad({ filter: /^net$/, namespace: 'sparing' }, () => ({ contents: quickAddresses }));
  },
};

/** Nothing is compressed; loading what could takes 3 ms. */
const whenUsed = `module.exports = new Proxy({}, { get: (_, name) => require('node:zlib')[name] });`;

/** Of each address grpc asks whether it is an IPv6 one; compiling the pattern that Node has for that takes 5 ms. */
const quickAddresses = `
  const net = require('node:net');
  const isIPv6 = text => text.includes(':') && net.isIPv6(text);
  const isIP = text => (net.isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0);
  module.exports = Object.assign(Object.create(net), { isIP, isIPv6 });
`;

/** Of Node, what takes long to load and few starts use; none of it is loaded before it is called. */
const whenCalled: Plugin = {
  name: 'when-called',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:(crypto|readline|v8)$/ }, ({ path, importer, namespace }) =>
      namespace === 'when-called' || importer.includes('node_modules')
        ? undefined
        : { path, namespace: 'when-called' },
    );
    onLoad({ filter: /^/, namespace: 'when-called' }, ({ path }) => {
      const names = Object.keys(createRequire(import.meta.url)(path)).filter(name =>
        /^[A-Za-z]\w+$/.test(name),
      );
      return { contents: names.map(name => calling(path, name)).join('\n') };
    });
  },
};

function calling(module: string, name: string): string {
  const it = `require('${module}').${name}`;
  return `export function ${name}(...args) { return new.target ? new (${it})(...args) : ${it}(...args); }`;
}
