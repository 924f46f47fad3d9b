import os from 'node:os';
import { workflowsToKeep } from '../../workers/memory';

const gigabyte = 2 ** 30;
afterEach(() => jest.restoreAllMocks());

test('a worker keeps as many workflows as fit an eighth of its memory, within bounds', () => {
  expect(workflowsToKeep(2 * gigabyte)).toBe(1_008);
  expect(workflowsToKeep(gigabyte / 4)).toBe(200);
  expect(workflowsToKeep(64 * gigabyte)).toBe(2_000);
});

test.each([
  ['its container has less than the machine', gigabyte / 2, 252],
  ['nothing limits it', 0, 504],
  ['nobody knows of a limit', undefined, 504],
  ['its limit is more than there is', 2 ** 62, 504],
])('without a number it is what the worker may use of a machine of a gigabyte: %s', (_what, limit, kept) => {
  jest.spyOn(os, 'totalmem').mockReturnValue(gigabyte);
  jest.spyOn(process, 'constrainedMemory').mockReturnValue(limit as number);
  expect(workflowsToKeep()).toBe(kept);
});
