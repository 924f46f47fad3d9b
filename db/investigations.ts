import { InvestigationSchema } from '../domain/investigation.schema';
import { entity } from './entity';

export const investigations = entity('investigations', InvestigationSchema, []);
