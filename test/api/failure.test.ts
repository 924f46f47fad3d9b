import { asRefusal } from '../../api/http/failure';
import { Unavailable } from '../../domain/errors';

const database = (code: string) => Object.assign(new Error('from the database'), { code });

test.each(['57014', '57P01', '08006', '53300', '40001', '55P03'])(
  '%s: the statement did not end, ask again',
  (code) => {
    expect(asRefusal(database(code))).toBeInstanceOf(Unavailable);
  },
);

test.each([
  'Client was closed and is not queryable',
  'Client has encountered a connection error and is not queryable',
  'Connection terminated unexpectedly',
  'timeout exceeded when trying to connect',
])('%s: so does a connection that is gone', (message) => {
  expect(asRefusal(new Error(message))).toBeInstanceOf(Unavailable);
});

test.each(['42501', '23505', '22P02'])('%s is a fault of ours', (code) => {
  expect(asRefusal(database(code))).toBeNull();
});
