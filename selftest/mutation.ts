// Small changes to the daemon's sources that are made while they are bundled, and nowhere else.
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/** One text for another, in one module. */
export interface Patch {
  /** From the root of the repository: `daemon/model/lease-view.ts`. */
  readonly module: string;
  /** Must be there exactly once: a patch whose place has changed is an error, not a daemon without a fault. */
  readonly find: string;
  readonly replace: string;
}

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The text with the patches made that are for this module; throws when one finds its place not at all or twice. */
export function patched(module: string, text: string, patches: readonly Patch[]): string {
  return patches
    .filter(patch => patch.module === module)
    .reduce((source, { find, replace }) => {
      const count = source.split(find).length - 1;
      if (count !== 1)
        throw new Error(`${module} has ${JSON.stringify(find)} ${count} times, and a patch needs it once`);
      return source.replace(find, () => replace);
    }, text);
}

/** Bundles the modules with the patches made; `left` has the patches whose modules were not bundled. */
export function mutation(patches: readonly Patch[]): { readonly plugin: Plugin; left(): readonly Patch[] } {
  const met = new Set<string>();
  const plugin: Plugin = {
    name: 'mutation',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const module = relative(root, path);
        if (!patches.some(patch => patch.module === module)) return undefined;
        met.add(module);
        return { contents: patched(module, await readFile(path, 'utf8'), patches), loader: 'ts' };
      });
    },
  };
  return { plugin, left: () => patches.filter(({ module }) => !met.has(module)) };
}
