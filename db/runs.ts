import { RunSchema } from '../domain/run.schema';
import { entity } from './entity';

export const runs = entity('runs', RunSchema, ['number', 'taskNumber']);
