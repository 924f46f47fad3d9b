import { AccessRequestSchema } from '../domain/access.schema';
import { entity } from './entity';

export const accessRequests = entity('access_requests', AccessRequestSchema, ['number']);
