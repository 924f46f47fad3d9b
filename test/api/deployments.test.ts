import { randomUUID } from 'node:crypto';
import { caller, startServer, type Server } from '../harness';
import { tgzOf, zipOf, type Packed } from '../pipeline/publishing/archives';
import { runKey, siblingKey, waitingAgent } from './working';

let server: Server;
let approver: Server['call'];
let ticket: number;
let agent: number;
beforeAll(async () => {
  server = await startServer();
  approver = server.as((await server.user('SECURITY_ANALYST')).token);
  ({ ticket, agent } = await waitingAgent(server));
});
afterAll(() => server.close());

async function change(slug: string): Promise<number> {
  const asked = { ticket_id: ticket, agent_id: agent, action: 'deploy', target: slug };
  const made = await server.call('POST', '/api/changes/request', asked);
  const id = made.body.change_id as number;
  expect((await approver('POST', `/api/changes/${id}/approve`)).status).toBe(200);
  return id;
}
const deploy = async (body: { slug: string; [more: string]: unknown }) =>
  server.call('POST', `/api/agents/${agent}/deploy/static-site`, { change_id: await change(body.slug), ...body });
const form = (archive: Buffer, fields: Record<string, string>): FormData => {
  const data = new FormData();
  for (const [k, v] of Object.entries(fields)) data.append(k, v);
  data.append('file', new Blob([archive]), 'site.zip');
  return data;
};
const page = (path: string, headers = {}) => caller(server.url, '')('GET', path, undefined, headers);
const site = (title: string): Packed[] => [
  { path: 'site/index.html', text: `<h1>${title}</h1>` },
  { path: 'site/css/a.css', text: 'h1 {}' },
];
const files = (title: string) => [{ path: 'index.html', content: `<h1>${title}</h1>` }];
const list = async (slug: string) => (await server.call('GET', `/api/published/${slug}/deployments`)).body;

describe('a site is published', () => {
  it('from an archive that is attached to the ticket', async () => {
    const attached = await server.call('POST', `/api/tickets/${ticket}/attachments`, form(tgzOf(site('attached')), {}));
    expect(attached.body.detected_type).toBe('application/gzip');
    const done = await deploy({ attachment_id: attached.body.id, source_dir: 'site', slug: 'attached' });
    expect(done).toMatchObject({ status: 200, body: { deployment: { file_count: 2, slug: 'attached' } } });
    expect((await page('/published/attached/')).text).toBe('<h1>attached</h1>');
    expect((await page('/published/attached/css/a.css')).headers.get('content-type')).toContain('text/css');
  });

  it('from an archive that comes with the form', async () => {
    const fields = { change_id: String(await change('form')), source_dir: 'site', slug: 'form' };
    const path = `/api/agents/${agent}/deploy/static-site`;
    const done = await server.call('POST', path, form(zipOf(site('form')), fields));
    expect(done).toMatchObject({ status: 200, body: { status: 'deployed' } });
    expect((await page('/published/form/')).text).toBe('<h1>form</h1>');
  });

  it('from files', async () => {
    const pixel = { path: 'img/a.gif', content: Buffer.from('GIF89a').toString('base64'), encoding: 'base64' };
    expect((await deploy({ files: [...files('files'), pixel], slug: 'files' })).status).toBe(200);
    expect((await page('/published/files/img/a.gif')).text).toBe('GIF89a');
  });

  it('never from what leads out, holds links, or belongs to another ticket; the change stays approved', async () => {
    const id = await change('never');
    const send = (body: object) =>
      server.call('POST', `/api/agents/${agent}/deploy/static-site`, { change_id: id, slug: 'never', ...body });
    const attach = async (archive: Buffer, to = ticket): Promise<number> =>
      (await server.call('POST', `/api/tickets/${to}/attachments`, form(archive, {}))).body.id as number;
    const linked = tgzOf([...site('x'), { path: 'site/b.html', type: 'SymbolicLink', linkpath: '/etc/passwd' }]);
    expect(await send({ attachment_id: await attach(linked), source_dir: 'site' })).toMatchObject({ status: 400, body: { field: 'attachment_id' } });
    const other = (await server.call('POST', '/api/tickets', { title: 'x', auto_assign: false })).body.id as number;
    const foreign = await send({ attachment_id: await attach(tgzOf(site('x')), other), source_dir: 'site' });
    expect(foreign).toMatchObject({ status: 404, body: { field: 'attachment_id' } });
    for (const path of ['../index.html', '/index.html', 'a//b.html', '.hidden.html', 'run.sh'])
      expect([path, await send({ files: [...files('x'), { path, content: 'x' }] })]).toMatchObject([path, { status: 400, body: { field: 'files' } }]);
    expect(await send({ files: files('x'), attachment_id: 1 })).toMatchObject({ status: 400, body: { field: 'files' } });
    expect(await send({ files: [{ path: 'a.html', content: 'x' }] })).toMatchObject({ status: 400, body: { field: 'files' } });
    expect((await page('/published/never/')).status).toBe(404);
    expect((await server.call('GET', `/api/changes/${id}`)).body.status).toBe('approved');
  }); // prettier-ignore
});

describe('an approval', () => {
  it('is for one site: when its change could not be completed, that site is repeated and no other published', async () => {
    const id = await change('approved');
    expect((await deploy({ change_id: id, files: files('approved'), slug: 'approved' })).status).toBe(200);
    // As when the API died before it completed the change.
    await server.owner.query(`update gates set status = 'approved' where number = $1`, [id]);
    expect((await deploy({ change_id: id, files: files('another'), slug: 'approved' })).status).toBe(409);
    expect((await deploy({ change_id: id, files: files('approved'), slug: 'elsewhere' })).status).toBe(403);
    expect((await page('/published/approved/')).text).toBe('<h1>approved</h1>');
    expect((await page('/published/elsewhere/')).status).toBe(404);
  });

  it('of a run is not used with the credential of another on its ticket', async () => {
    const sibling = server.as(await siblingKey(server, agent));
    const body = { change_id: await change('sibling'), files: files('x'), slug: 'sibling' };
    expect((await sibling('POST', `/api/agents/${agent}/deploy/static-site`, body)).status).toBe(404);
    expect((await page('/published/sibling/')).status).toBe(404);
    // Nor is its change said to be carried out, or its postmortem written on, or one written in its name.
    const isHidden = async (method: string, path: string, of: object, from = sibling) =>
      expect([path, (await from(method, path, of)).status]).toEqual([path, 404]);
    await isHidden('POST', `/api/changes/${body.change_id}/complete`, { result: 'done' });
    const own = server.as(await runKey(server, agent));
    const written = await own('POST', '/api/postmortems', { agent_id: agent, summary: 'as it was' });
    await isHidden('PUT', `/api/postmortems/${written.body.id}`, { summary: 'otherwise' });
    await isHidden('POST', '/api/postmortems', { agent_id: agent, summary: 'otherwise' });
    await isHidden('POST', `/api/postmortems/synthesize/${ticket}`, { agent_id: agent });
    // Another agent has no run that its key is of: the run is as little its own.
    const { id: agent_id } = (
      await server.call('POST', '/agents', { name: 'somebody-else', description: 'does other things', owner_id: 'ops', risk_level: 'low' })
    ).body.data; // prettier-ignore
    const { api_key } = (await server.call('POST', '/api-keys', { name: 'other', agent_id, role: 'agent' })).body.data;
    const stranger = server.as(api_key);
    await isHidden('PUT', `/api/postmortems/${written.body.id}`, { summary: 'otherwise' }, stranger);
    await isHidden('POST', '/api/postmortems', { agent_id: agent, summary: 'otherwise' }, stranger);
    const byPeople = await change('of nobody');
    await server.owner.query('update gates set run_id = null, agent_id = null where number = $1', [byPeople]);
    await isHidden('POST', `/api/changes/${byPeople}/complete`, { result: 'done' }, stranger);
    expect((await own('PUT', `/api/postmortems/${written.body.id}`, { summary: 'better' })).status).toBe(200);
    expect((await own('POST', `/api/changes/${body.change_id}/complete`, { result: 'done' })).status).toBe(200);
  });
});

describe('deployments of an address', () => {
  it('are kept, and one of them is shown: the last, until a person brings another back', async () => {
    const first = (await deploy({ files: files('first'), slug: 'kept' })).body.deployment.id as number;
    const second = (await deploy({ files: files('second'), slug: 'kept' })).body.deployment.id as number;
    expect(await list('kept')).toMatchObject({
      total: 2,
      deployments: [
        { id: second, live: true, ticket_id: ticket, agent_id: agent, file_count: 1 },
        { id: first, live: false },
      ],
    });
    const key = { 'idempotency-key': randomUUID() };
    const body = { deployment_id: first, reason: 'The second is wrong' };
    const back = await server.call('POST', '/api/published/kept/rollback', body, key);
    expect(back).toMatchObject({ status: 200, body: { status: 'rolled_back', deployment: { id: first, live: true } } });
    expect((await page('/published/kept/')).text).toBe('<h1>first</h1>');
    expect(await list('kept')).toMatchObject({ deployments: [{ live: false }, { live: true }] });
    const { notes } = (await server.call('GET', `/api/tickets/${ticket}/context`)).body;
    expect(notes.find((n: { id: number }) => n.id === back.body.note_id).body).toContain('The second is wrong');

    expect((await server.call('POST', '/api/published/kept/rollback', body, key)).body).toEqual(back.body);
    const again = await server.call('POST', '/api/published/kept/rollback', body);
    expect(again.body).toMatchObject({ status: 'unchanged', note_id: null });
    const { rows } = await server.owner.query(`select from log where kind = 'publication.rolled_back'`);
    expect(rows).toHaveLength(1);
    // And forward again.
    await server.call('POST', '/api/published/kept/rollback', { deployment_id: second });
    expect((await page('/published/kept/')).text).toBe('<h1>second</h1>');
  });

  it('are of their own address, tenant and ticket; and no agent brings one back', async () => {
    const one = (await deploy({ files: files('one'), slug: 'one' })).body.deployment.id as number;
    const two = (await deploy({ files: files('two'), slug: 'two' })).body.deployment.id as number;
    const back = (call: Server['call'], slug: string, id: number) =>
      call('POST', `/api/published/${slug}/rollback`, { deployment_id: id });
    expect((await back((...of) => server.call(...of), 'one', two)).status).toBe(404);
    const stranger = server.as((await server.tenant()).token);
    expect((await back(stranger, 'one', one)).status).toBe(404);
    expect((await stranger('GET', '/api/published/one/deployments')).status).toBe(404);
    const own = server.as(await runKey(server, agent));
    expect((await own('GET', '/api/published/one/deployments')).status).toBe(200);
    expect((await back(own, 'one', one)).status).toBe(403);
    const elsewhere = server.as(await runKey(server, (await waitingAgent(server)).agent));
    expect((await elsewhere('GET', '/api/published/one/deployments')).status).toBe(404);
    const { token } = await server.user('auditor');
    expect((await server.as(token)('GET', '/api/published/one/deployments')).status).toBe(403);
  });

  it('are shown as one or the other, never as a half of each, while they are switched', async () => {
    const two = (name: string) => [...files(name), { path: 'a.txt', content: name }];
    const ids = [
      (await deploy({ files: two('left'), slug: 'switched' })).body.deployment.id as number,
      (await deploy({ files: two('right'), slug: 'switched' })).body.deployment.id as number,
    ];
    const seen = new Set<string>();
    for (let round = 0; round < 10; round += 1) {
      const switched = server.call('POST', '/api/published/switched/rollback', { deployment_id: ids[round % 2] });
      const shown = await Promise.all(Array.from({ length: 5 }, () => page('/published/switched/')));
      for (const { status, text } of shown) seen.add(`${status} ${text}`);
      expect((await switched).status).toBe(200);
    }
    expect([...seen].sort()).toEqual(['200 <h1>left</h1>', '200 <h1>right</h1>']);
  });

  it('are not sent again to whoever has them', async () => {
    const { headers } = await page('/published/kept/');
    const again = await page('/published/kept/', { 'if-none-match': headers.get('etag') ?? '' });
    expect([again.status, again.text, again.headers.get('x-content-type-options')]).toEqual([304, '', 'nosniff']);
  });
});
