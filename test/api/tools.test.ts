import { calls } from './tools/calls';
import { looks } from './tools/looks';
import { servers } from './tools/servers';
import { toolWorld } from './tools/world';

// Tool servers the whole way over HTTP: configured, looked at, called by a run through the pipeline, refused, approved, gone. One world for all.

const world = toolWorld();
looks(world);
calls(world);
servers(world);
