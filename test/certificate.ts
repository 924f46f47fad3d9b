import { generateKeyPairSync, sign } from 'node:crypto';

// A certificate of its own for a server on loopback, for a day: X.509 as RFC 5280 has it.

const tlv = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const n = body.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const seq = (...parts: Buffer[]): Buffer => tlv(0x30, ...parts);
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'));
const integer = (...bytes: number[]): Buffer => tlv(0x02, Buffer.from(bytes));
const octets = (body: Buffer): Buffer => tlv(0x04, body);
const bits = (body: Buffer): Buffer => tlv(0x03, Buffer.from([0]), body);
const yes = tlv(0x01, Buffer.from([255]));
const time = (at: Date): Buffer => tlv(0x17, Buffer.from(`${at.toISOString().replace(/\D/g, '').slice(2, 14)}Z`));

const ecdsaSha256 = seq(oid('2a8648ce3d040302'));
const day = 24 * 3600 * 1000;

/** A key, and the certificate of 127.0.0.1 that it signed itself: the authority to trust is the certificate. */
export function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = seq(tlv(0x31, seq(oid('550403'), tlv(0x0c, Buffer.from('a stub on loopback')))));
  const extensions = seq(
    seq(oid('551d13'), yes, octets(seq(yes))), // an authority
    seq(oid('551d11'), octets(seq(tlv(0x87, Buffer.from([127, 0, 0, 1]))))),
  );
  const now = Date.now();
  const said = seq(
    tlv(0xa0, integer(2)),
    integer(1),
    ecdsaSha256,
    name,
    seq(time(new Date(now - day)), time(new Date(now + day))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, extensions),
  );
  const der = seq(said, ecdsaSha256, bits(sign('sha256', said, privateKey)));
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}
