import { GateSchema } from '../domain/gate.schema';
import { entity } from './entity';

export const gates = entity('gates', GateSchema, ['number']);
