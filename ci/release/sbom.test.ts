// Which packages a bundle is made of, and how the bill of materials lists them.
import { expect, test } from 'vitest';
import { billOfMaterials, packagesOf } from './sbom.ts';

test('packages are told by the paths of their files, nested ones by their own', () => {
  expect(
    packagesOf([
      'daemon/main.ts',
      'node_modules/zod/v4/core.js',
      'node_modules/zod/index.js',
      '../elsewhere/node_modules/@grpc/grpc-js/build/src/index.js',
      'node_modules/etcd3/node_modules/@grpc/proto-loader/index.js',
      'prepared:etcd-services',
    ]),
  ).toEqual([
    'node_modules/@grpc/grpc-js',
    'node_modules/etcd3/node_modules/@grpc/proto-loader',
    'node_modules/zod',
  ]);
});

const source = { version: '1.2.3', commit: 'abc', time: 1_700_000_000 };
const lock = {
  packages: {
    'node_modules/a/node_modules/@b/c': { version: '4.5.6', integrity: 'sha512-AQID', license: 'MIT' },
  },
};

test('a component has version, hash, license and purl as the lock has them', () => {
  const bill = JSON.parse(billOfMaterials(source, ['node_modules/a/node_modules/@b/c'], lock));
  expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5' });
  expect(bill.metadata.timestamp).toBe('2023-11-14T22:13:20.000Z');
  expect(bill.metadata.component.properties).toEqual([{ name: 'commit', value: 'abc' }]);
  expect(bill.components).toEqual([
    {
      'bom-ref': 'pkg:npm/%40b/c@4.5.6',
      type: 'library',
      name: '@b/c',
      version: '4.5.6',
      purl: 'pkg:npm/%40b/c@4.5.6',
      hashes: [{ alg: 'SHA-512', content: '010203' }],
      licenses: [{ license: { id: 'MIT' } }],
    },
  ]);
  expect(bill.dependencies).toEqual([{ ref: 'flannel@1.2.3', dependsOn: ['pkg:npm/%40b/c@4.5.6'] }]);
});

test('a package the lock does not know is an error', () => {
  expect(() => billOfMaterials(source, ['node_modules/x'], lock)).toThrow(
    'package-lock.json has no node_modules/x',
  );
});
