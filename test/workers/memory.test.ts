import { workflowsToKeep } from '../../workers/memory';

const gigabyte = 2 ** 30;

test('a worker keeps as many workflows as fit an eighth of its memory, within bounds', () => {
  expect(workflowsToKeep(2 * gigabyte)).toBe(1_008);
  expect(workflowsToKeep(gigabyte / 4)).toBe(200);
  expect(workflowsToKeep(64 * gigabyte)).toBe(2_000);
});

test('without a number it is that of this machine', () => {
  expect(workflowsToKeep()).toBeGreaterThanOrEqual(200);
  expect(workflowsToKeep()).toBeLessThanOrEqual(2_000);
});
