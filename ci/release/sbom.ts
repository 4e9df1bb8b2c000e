// The bill of materials of a release, in CycloneDX 1.5: what is in the executable, and nothing that is only built with. Pure.
import type { Lock } from './parts.ts';
import type { Source } from './source.ts';

const nodeModules = 'node_modules/';

/** Folders of packages, as a lock names them, that these files come from; sorted. */
export function packagesOf(files: readonly string[]): readonly string[] {
  const folders = files.flatMap(file => {
    const inside = file.slice(Math.max(0, file.indexOf(nodeModules)));
    return (
      /^(?:node_modules\/(?:@[^/]+\/)?[^/]+\/)*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(inside) ?? []
    );
  });
  return [...new Set(folders)].sort();
}

/** The text of the bill for these packages; throws when the lock does not have one of them. */
export function billOfMaterials(
  { version, commit, time }: Source,
  packages: readonly string[],
  lock: Lock,
): string {
  const components = packages.map(folder => component(folder, lock));
  const ref = `flannel@${version}`;
  const bill = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      timestamp: new Date(time * 1000).toISOString(),
      component: {
        'bom-ref': ref,
        type: 'application',
        name: 'flannel',
        version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        properties: [{ name: 'commit', value: commit }],
      },
    },
    components,
    dependencies: [{ ref, dependsOn: components.map(one => one['bom-ref']) }],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function component(folder: string, lock: Lock) {
  const locked = lock.packages[folder];
  if (!locked) throw new Error(`package-lock.json has no ${folder}`);
  const name = folder.slice(folder.lastIndexOf(nodeModules) + nodeModules.length);
  const [algorithm = '', digest = ''] = locked.integrity.split('-');
  const purl = `pkg:npm/${name.replace('@', '%40')}@${locked.version}`;
  return {
    'bom-ref': purl,
    type: 'library',
    name,
    version: locked.version,
    purl,
    hashes: [
      { alg: algorithm.replace('sha', 'SHA-'), content: Buffer.from(digest, 'base64').toString('hex') },
    ],
    ...(locked.license ? { licenses: [{ license: { id: locked.license } }] } : {}),
  };
}
