import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { caller, startServer, type Server } from '../harness';
import { runKey, waitingAgent } from './working';

let server: Server;
let approver: Server['call'];
beforeAll(async () => {
  server = await startServer();
  approver = server.as((await server.user('SECURITY_ANALYST')).token);
});
afterAll(() => server.close());

const runnerOf = (agent: number): string => join(server.config.agents.workBase, '.runner', String(agent));
/** Says whose the folder with an agent's number is. */
async function mark(agent: number, run?: string): Promise<void> {
  const { rows } = await server.owner.query<{ id: string }>('select id from runs where number = $1', [agent]);
  mkdirSync(runnerOf(agent), { recursive: true });
  writeFileSync(join(runnerOf(agent), 'run'), run ?? rows[0]?.id ?? '');
}
/** Files in the agent's work folder. */
async function work(agent: number, files: Record<string, string>): Promise<string> {
  await mark(agent);
  const folder = join(server.config.agents.workBase, String(agent));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}
async function change(ticket: number, agent: number, { approve = true, ...of }: Asked = {}): Promise<number> {
  const asked = { ticket_id: ticket, agent_id: agent, action: 'deploy', target: `site-${agent}`, ...of };
  const made = await server.call('POST', '/api/changes/request', asked);
  const id = made.body.change_id as number;
  if (approve) expect((await approver('POST', `/api/changes/${id}/approve`)).status).toBe(200);
  return id;
}
interface Asked {
  approve?: boolean;
  action?: string;
  target?: string;
  approval_policy?: object;
}
/** As docs/publishing.md says: sha256 over the canonical list of paths and their sha256. */
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const digestOf = (files: readonly { path: string; content: string }[]): string =>
  sha256(JSON.stringify(files.map(({ path, content }) => ({ path, sha256: sha256(content) }))));
const deploy = (agent: number, body: object, call: Server['call'] = (...of) => server.call(...of)) =>
  call('POST', `/api/agents/${agent}/deploy/static-site`, body);
const page = (path: string) => caller(server.url, '')('GET', path);
/** As it is written: fetch would tidy the path up. */
const rawStatus = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.url);
    request({ hostname, port, path }, (res) => {
      res.resume();
      resolve(res.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });

describe('deploying a static site', () => {
  it('publishes what an approved change of the agent allows, completes it, and says so on the ticket', async () => {
    const { ticket, agent } = await waitingAgent(server);
    await work(agent, {
      'hello/index.html': '<link rel=stylesheet href="css/a.css"><h1>Hello</h1>',
      'hello/css/a.css': 'h1{color:red}',
    });
    const id = await change(ticket, agent, { target: '/published/hello-demo/' });
    const done = await deploy(agent, {
      change_id: id,
      source_dir: 'hello',
      slug: 'hello-demo',
      public_base_url: 'https://ops.example:25443',
    });
    expect(done.status).toBe(200);
    expect(done.body).toMatchObject({
      status: 'deployed', change_id: id,
      deployment: {
        slug: 'hello-demo', source_dir: 'hello', relative_url: '/published/hello-demo/', public_url: 'https://ops.example:25443/published/hello-demo/',
        file_count: 2,
      },
    }); // prettier-ignore
    expect((await server.call('GET', `/api/changes/${id}`)).body).toMatchObject({
      status: 'completed',
      result: expect.stringContaining('published at'),
    });
    const { notes } = (await server.call('GET', `/api/tickets/${ticket}/context`)).body;
    expect(notes.find((n: { id: number }) => n.id === done.body.note_id)).toMatchObject({
      source: 'deployment-adapter',
    });
    const { rows } = await server.owner.query(
      `select body ->> 'slug' as slug from log where kind = 'static_site.deployed'`,
    );
    expect(rows).toEqual([{ slug: 'hello-demo' }]);

    const index = await page('/published/hello-demo/');
    expect(index.status).toBe(200);
    expect(index.text).toContain('<h1>Hello</h1>');
    expect(index.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(index.headers.get('content-security-policy')).toBe("sandbox; default-src 'self' 'unsafe-inline'");
    expect(index.headers.get('x-content-type-options')).toBe('nosniff');
    const css = await page('/published/hello-demo/css/a.css');
    expect([css.status, css.headers.get('content-type'), css.text]).toEqual([
      200,
      'text/css; charset=utf-8',
      'h1{color:red}',
    ]);
    // An approval is used once.
    expect((await deploy(agent, { change_id: id, source_dir: 'hello' })).status).toBe(403);
  });

  it('lets one of two at once do it', async () => {
    const { ticket, agent } = await waitingAgent(server);
    await work(agent, { 'a/index.html': 'A', 'b/index.html': 'B' });
    const id = await change(ticket, agent);
    const answers = await Promise.all(['a', 'b'].map((source_dir) => deploy(agent, { change_id: id, source_dir })));
    expect(answers.map((a) => a.status).filter((s) => s === 200)).toHaveLength(1);
    const won = answers.find((a) => a.status === 200);
    const shown = await page(won?.body.deployment.relative_url as string);
    expect(shown.text).toBe((won?.body.deployment.source_dir as string).toUpperCase());
  });

  it('refuses a change that is not approved, of another agent, or approved for something else', async () => {
    const { ticket, agent } = await waitingAgent(server);
    const other = await waitingAgent(server);
    await work(agent, { 'index.html': 'x' });
    const pending = await deploy(agent, { change_id: await change(ticket, agent, { approve: false }) });
    expect(pending).toMatchObject({ status: 403, body: { reason: 'change_not_approved' } });
    const foreign = await deploy(agent, { change_id: await change(other.ticket, other.agent) });
    expect(foreign).toMatchObject({ status: 403, body: { reason: 'change_of_another_agent_or_ticket' } });
    const call = server.as(await runKey(server, agent));
    expect((await deploy(agent, { change_id: await change(other.ticket, other.agent) }, call)).status).toBe(404);
    const sealed = (await server.call('GET', `/api/changes?agent_id=${agent}&status=pending`)).body.changes.find(
      (c: { digest: unknown }) => c.digest,
    );
    await server.owner.query(`update gates set status = 'approved' where number = $1`, [sealed.id]);
    expect(await deploy(agent, { change_id: sealed.id })).toMatchObject({
      status: 403,
      body: { reason: 'change_approved_for_something_else' },
    });
    expect((await deploy(agent, { change_id: 2_000_000_000 })).status).toBe(404);
    expect((await deploy(agent, {})).body.field).toBe('change_id');
    const { token } = await server.user('analyst');
    expect((await deploy(agent, { change_id: 1 }, server.as(token))).status).toBe(403);
  });

  it('publishes what was approved, where it was approved, and nothing else', async () => {
    const { ticket, agent } = await waitingAgent(server);
    const slug = `bound-${agent}`;
    const files = [{ path: 'index.html', content: 'as approved' }];
    const otherwise = [{ path: 'index.html', content: 'otherwise' }];
    for (const [reason, asked, body] of [
      ['something_else', { action: 'restart', target: slug }, {}],
      ['something_else', { action: 'deploy_database', target: slug }, {}],
      ['something_else', { action: 'deploy', target: 'the portal of the customer' }, {}],
      ['something_else', { action: 'deploy', target: 'https://elsewhere.example/hello/' }, {}],
      ['another_address', { target: slug }, { slug: 'elsewhere' }],
      ['another_address', { target: `https://ops.example/published/${slug}` }, { slug: 'elsewhere' }],
      ['another_tree', { target: slug, approval_policy: { digest: digestOf(files) } }, { files: otherwise }],
      ['another_tree', { target: slug, approval_policy: { digest: 'no digest' } }, {}],
    ] as const) {
      const change_id = await change(ticket, agent, asked);
      const refused = await deploy(agent, { change_id, files, ...body });
      expect([refused.status, refused.body.reason]).toEqual([403, `change_approved_for_${reason}`]);
      expect((await server.call('GET', `/api/changes/${change_id}`)).body.status).toBe('approved');
    }
    expect((await page(`/published/${slug}/`)).status).toBe(404);
    const asked = {
      action: 'Publish static site',
      target: slug,
      approval_policy: { digest: `sha256:${digestOf(files)}` },
    };
    const done = await deploy(agent, { change_id: await change(ticket, agent, asked), files });
    expect(done).toMatchObject({ status: 200, body: { deployment: { slug, digest: digestOf(files) } } });
    expect((await page(`/published/${slug}/`)).text).toBe('as approved');
  });

  it('does not publish what another run left under the number of an agent', async () => {
    const { ticket, agent } = await waitingAgent(server);
    const id = await change(ticket, agent);
    await work(agent, { 'site/index.html': 'of another' });
    const isRefused = async () =>
      expect(await deploy(agent, { change_id: id, source_dir: 'site' })).toMatchObject({
        status: 400,
        body: { field: 'source_dir', error: expect.stringContaining('no work folder here') },
      });
    await mark(agent, randomUUID());
    await isRefused();
    rmSync(runnerOf(agent), { recursive: true }); // as older installations left it
    await isRefused();
    await mark(agent);
    expect((await deploy(agent, { change_id: id, source_dir: 'site' })).status).toBe(200);
  });

  it('refuses a tree that leads out, has links, hides files or has no index.html, and leaves the change as it is', async () => {
    const { ticket, agent } = await waitingAgent(server);
    const id = await change(ticket, agent);
    expect((await deploy(agent, { change_id: id })).body).toMatchObject({ field: 'source_dir' }); // no work folder yet
    const folder = await work(agent, {
      'none/a.html': 'x',
      'hidden/index.html': 'x',
      'hidden/.env': 'SECRET=1',
      'linked/index.html': 'x',
    });
    symlinkSync('/etc/passwd', join(folder, 'linked/passwd.txt'));
    for (const source_dir of ['none', 'hidden', 'linked', '..', '../..', '/etc', 'missing', 'none/a.html']) {
      expect(await deploy(agent, { change_id: id, source_dir })).toMatchObject({
        status: 400,
        body: { field: 'source_dir' },
      });
    }
    expect(await deploy(agent, { change_id: id, source_dir: 'none', slug: '../x' })).toMatchObject({
      status: 400,
      body: { field: 'slug' },
    });
    expect((await server.call('GET', `/api/changes/${id}`)).body.status).toBe('approved');
  });
});

describe('published pages', () => {
  it('shows nothing that is not published', async () => {
    const { ticket, agent } = await waitingAgent(server);
    await work(agent, { 'index.html': 'x', 'folder/a.html': 'x' });
    await deploy(agent, { change_id: await change(ticket, agent, { target: 'shown' }), slug: 'shown' });
    for (const path of [
      'shown/.hidden', 'shown/link.txt', 'shown/etc/passwd', 'shown/folder', 'shown/none.html', 'shown/index.html/x', 'none/', 'SHOWN/', '.staging/',
      'stray.html', 'shown/../stray.html', 'shown/%2e%2e/stray.html', 'shown/..%2fstray.html', 'shown/%2e%2e%2f%2e%2e%2fcache', 'shown/a%00b',
      'shown//etc/passwd', 'shown/%5c..%5cx', `shown/${'a'.repeat(300)}`,
    ]) {
      expect([path, await rawStatus(`/published/${path}`)]).toEqual([path, 404]);
    } // prettier-ignore
    expect(await rawStatus('/published/shown/index.html')).toBe(200);
    expect(await rawStatus('/published/shown')).toBe(200);
  });
});
