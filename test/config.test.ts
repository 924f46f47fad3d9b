import { loadConfig } from '../config';

test('workers have no version unless a deployment is named', () => {
  expect(loadConfig({})).toMatchObject({ workerDeployment: null, workerBuildId: null });
  const named = loadConfig({ WORKER_DEPLOYMENT: 'wheelhouse', WORKER_BUILD_ID: '2026.11-a_1' });
  expect(named).toMatchObject({ workerDeployment: 'wheelhouse', workerBuildId: '2026.11-a_1' });
});

test.each([
  ['WORKER_DEPLOYMENT', 'a.b'],
  ['WORKER_DEPLOYMENT', "a'"],
  ['WORKER_BUILD_ID', "x' or 'x"],
  ['WORKER_BUILD_ID', ''],
])('%s can not be %p: it stands in queries and in names', (name, value) => {
  expect(() => loadConfig({ [name]: value })).toThrow(name);
});
