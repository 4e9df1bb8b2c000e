// Which daemon this is.
import pkg from '../package.json' with { type: 'json' };

/** Of a release, the commit it was made of; put here when that is bundled. */
declare const FLANNEL_COMMIT: string | undefined;

export const version = pkg.version;

/** The version, and of a release its commit, as `-version` prints them. */
export function versionText(
  commit = typeof FLANNEL_COMMIT === 'undefined' ? undefined : FLANNEL_COMMIT,
): string {
  return `flanneld ${version}${commit ? ` (commit ${commit})` : ''}`;
}
