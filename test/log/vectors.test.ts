import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { canonical, digestOf, printable } from '../../log/canonical';
import { actionOf, eventHash, shardOf, zeros } from '../../log/chain';
import { fingerprintOf } from '../../log/keys';
import { checkReceipt } from '../../log/receipts';

// The published test vectors of the audit door: its clients compute the same.

const tenantId = '11111111-2222-4333-8444-555555555555';
const agentId = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
const seed = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const privateKey = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
  format: 'der',
  type: 'pkcs8',
});
const publicKey = createPublicKey(privateKey);
const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
const fingerprint = 'f0ff50dacf109dea7f716d7c03eb7a82';

const rows = [
  {
    tool: 'files.read', decision: 'allow', reason: null, requestId: 'req-1',
    hash: 'f40c5a94d544f15c21418145a5b49e245f9522eb226357424a469b002868c9c1',
    leaf: 'a406b95b0c522848d8305dea52d89c07bbc0372e42c19b1a1d9bc45711551ce2',
  },
  {
    tool: 'größe.prüfen', decision: 'deny', reason: 'Prüfung', requestId: 'req-2',
    hash: '52d18696d1eb26acf345fc15c7dc356d557c24914b0049011a1d31adefb40769',
    leaf: '111d810cf9300584414e1890d31d2e42e18fd21bab4adf0bb11bbf55cbc4fcf6',
  },
  {
    tool: null, decision: 'allow', reason: null, requestId: null,
    hash: '94e07f4b870d606122fdd50513943b48f9841e1a8565f784a4e8f09e0ce37bd1',
    leaf: '6a270584b168a33f20a366b652349549696e88ab73874c31e3cdbacbe084907c',
  },
]; // prettier-ignore

const chained = rows.map((row, i) => {
  const prevHash = rows[i - 1]?.hash ?? zeros;
  const receipt = {
    version: 1, execution_id: `00000000-0000-4000-8000-00000000000${i + 1}`, tenant_id: tenantId, agent_id: agentId, tool: row.tool,
    action: 'execute_tool', decision: row.decision, reason: row.reason, request_id: row.requestId,
    timestamp: `2026-01-02T03:04:05.00000${i + 1}+00:00`, event_hash: row.hash, prev_hash: prevHash, chain_shard: 0,
  }; // prettier-ignore
  const signature = sign(null, Buffer.from(canonical(receipt)), privateKey).toString('base64url');
  return { row, prevHash, signed: { receipt, signature, algorithm: 'ed25519', public_key_fingerprint: fingerprint } };
});

test.each(chained)('row $row.requestId: event hash, and leaf of its signed receipt', ({ row, prevHash, signed }) => {
  const { tool, decision, requestId } = row;
  expect(eventHash(prevHash, { kind: 'execution.allow', agentId, tenantId, tool, decision, requestId })).toBe(row.hash);
  expect(digestOf(signed)).toBe(row.leaf);
  expect(checkReceipt(signed, () => ({ fingerprint, pem, key: publicKey })).error).toBeNull();
});

test('signature, fingerprint and shard', () => {
  expect(chained[0]?.signed.signature).toBe(
    'aZ3HHZDCna04aljQtSSKweRFPH-wipKyZ7Vjvk9XSEG-BXHaBWyWRXGeQeBGPTxEXFQNxW2f6AzEEdtB5MnoDA',
  );
  expect(fingerprintOf(pem)).toBe(fingerprint);
  expect([shardOf('req-1'), shardOf(null)]).toEqual([15, 0]);
});

test('texts of the audit door: nothing but printable ASCII', () => {
  expect(['', ' ~', 'ü "q"\u007f\n', '\\', '\u{1f600}'].map(printable)).toEqual([
    '""', '" ~"', '"\\u00fc \\"q\\"\\u007f\\n"', '"\\\\"', '"\\ud83d\\ude00"',
  ]); // prettier-ignore
});

test('what the audit door calls an action', () => {
  expect(['execution.deny', 'kill_switch.engaged', 'user.login'].map(actionOf)).toEqual([
    'execute_tool',
    'kill_switch_engaged',
    'user_login',
  ]);
});
