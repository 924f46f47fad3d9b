import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeDataDir } from '../../cli/data-dir';
import { demo } from '../../cli/demo';
import { assertFree, freePorts } from '../../cli/free-port';
import { databaseOf, localFile, readLocal, runningLocal, writeLocal } from '../../cli/local-file';
import { secret } from '../../cli/secrets';
import { loadConfig } from '../../config';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'wheelhouse-data-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const mode = (path: string) => statSync(path).mode & 0o777;

test('a data directory belongs to one process', async () => {
  const dataDir = join(folder, 'new');
  await takeDataDir(dataDir);
  await expect(takeDataDir(dataDir)).rejects.toThrow(
    `Wheelhouse already runs on ${dataDir} (process ${process.pid}): stop it, or set WHEELHOUSE_DATA_DIR.`,
  );
});

test('who lets go of it leaves nothing that was not there', async () => {
  const dataDir = join(folder, 'new');
  (await takeDataDir(dataDir))();
  expect(existsSync(dataDir)).toBe(false);
  (await takeDataDir(folder))();
  expect(readdirSync(folder)).toEqual([]);
});

test('what a killed process left does not lock it for ever', async () => {
  const socket = join(folder, 'up.sock');
  const script = `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => console.log('listening'))`;
  const killed = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect(existsSync(socket)).toBe(true);
  await takeDataDir(folder);
});

test('a folder with a very long name can be taken too', async () => {
  const dataDir = join(folder, 'x'.repeat(120));
  await takeDataDir(dataDir);
  await expect(takeDataDir(dataDir)).rejects.toThrow('already runs');
});

const local = {
  url: 'http://127.0.0.1:8000',
  tenant_id: '00000000-0000-0000-0000-000000000001',
  token: 'secret',
  metrics_token: 'other',
  temporal_ui: 'http://127.0.0.1:8233',
  temporal_address: '127.0.0.1:7233',
  database_url: 'postgres://127.0.0.1/wheelhouse',
  admin: { email: 'admin@local.test', password: 'third' },
};

test('what a server that has stopped left is no running server: commands say to start one', async () => {
  const config = loadConfig({ WHEELHOUSE_DATA_DIR: folder });
  const says = 'No running server is known: run `npm start` first, in another terminal';
  for (const left of [false, true]) {
    if (left) writeLocal(folder, local);
    expect(await runningLocal(folder)).toBeNull();
    await expect(databaseOf(config)).rejects.toThrow(`${says}, or set DATABASE_URL.`);
    await expect(demo(config)).rejects.toThrow(`${says}.`);
  }
  const letGo = await takeDataDir(folder);
  expect(await databaseOf(config)).toBe(local.database_url);
  letGo();
  expect(await databaseOf({ ...config, databaseUrl: 'postgres://elsewhere' })).toBe('postgres://elsewhere');
});

test('the file of credentials is private, whole, and has the documented fields', () => {
  expect(readLocal(folder)).toBeNull();
  writeLocal(folder, local);
  expect(mode(localFile(folder))).toBe(0o600);
  expect(readLocal(folder)).toEqual(local);
  writeLocal(folder, { ...local, token: 'newer' });
  expect(readLocal(folder)?.token).toBe('newer');
  expect(mode(localFile(folder))).toBe(0o600);
});

test('a secret is made once, and private', () => {
  const made = secret(folder, 'master.key', 'base64', 32);
  expect(Buffer.from(made, 'base64')).toHaveLength(32);
  expect(secret(folder, 'master.key', 'base64', 32)).toBe(made);
  expect(mode(join(folder, 'master.key'))).toBe(0o600);
});

test('a taken port is one clear line', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(assertFree('127.0.0.1', port)).rejects.toThrow(
    `Port ${port} on 127.0.0.1 is taken by another program: set PORT to a free one.`,
  );
  server.close();
  await once(server, 'close');
  await assertFree('127.0.0.1', port);
});

test('an address of another machine can not be listened on, and that is said', async () => {
  await expect(assertFree('192.0.2.1', 8000)).rejects.toThrow("Port 8000 on 192.0.2.1 can't be used (EADDRNOTAVAIL).");
});

test('free ports are different, and none is one that the system gives to connections by itself', async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  const [first = ''] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s/);
  expect(ports.filter((port) => port >= Number(first))).toEqual([]);
});
