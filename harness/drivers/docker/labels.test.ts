// Labels bring an owner back whole, and never make one up.
import { expect, test } from 'vitest';
import { filterFor, labelsOf, ownerIn } from './labels.ts';

const owner = { cluster: 'lab', pid: 7, startTime: '123', keep: true };

test('an owner survives being written into labels', () => {
  expect(ownerIn(labelsOf(owner))).toEqual(owner);
});

test('labels of others have no owner', () => {
  expect(ownerIn(undefined)).toBeUndefined();
  expect(ownerIn({ 'flannel-lab': 'image' })).toBeUndefined();
  expect(ownerIn({ 'flannel-lab.owner': 'not JSON' })).toBeUndefined();
});

test('what is labelled is what the filter asks for', () => {
  const labels = Object.entries(labelsOf(owner)).map(([name, value]) => `${name}=${value}`);
  expect(labels).toEqual(expect.arrayContaining(filterFor('lab').label));
  expect(labels).not.toEqual(expect.arrayContaining(filterFor('other').label));
});
