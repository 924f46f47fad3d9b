import { gzipSync, deflateRawSync, crc32 } from 'node:zlib';
import { Header } from 'tar';

export interface Packed {
  path: string;
  text?: string | Buffer;
  /** As tar calls it; of a zip the format of its mode. */
  type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'FIFO';
  linkpath?: string;
  /** What it says of its size, when that is not its size. */
  saysSize?: number;
  encrypted?: boolean;
}

const block = 512;

/** A tar as any tool may write one, with what no good tool would. */
export function tarOf(entries: readonly Packed[]): Buffer {
  const parts = entries.flatMap(({ path, text = '', type = 'File', linkpath }) => {
    const bytes = Buffer.from(text);
    const header = Buffer.alloc(block);
    new Header({
      path, type, mode: 0o644, size: bytes.length, mtime: new Date(0), ...(linkpath !== undefined && { linkpath }),
    }).encode(header, 0); // prettier-ignore
    return [header, bytes, Buffer.alloc((block - (bytes.length % block)) % block)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}
export const tgzOf = (entries: readonly Packed[]): Buffer => gzipSync(tarOf(entries));

const modes = { File: 0o100644, Directory: 0o040755, SymbolicLink: 0o120777, Link: 0o100644, FIFO: 0o010644 } as const;

/** The same as a zip (PKWARE's APPNOTE 4.3), its files deflated. */
export function zipOf(entries: readonly Packed[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { path, text = '', type = 'File', saysSize, encrypted } of entries) {
    const [name, raw] = [Buffer.from(path), Buffer.from(text)];
    const data = deflateRawSync(raw);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800 | (encrypted ? 1 : 0), 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(raw), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(saysSize ?? raw.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, name, data]);
    const head = Buffer.alloc(6);
    head.write('PK\u0001\u0002');
    head.writeUInt16LE((3 << 8) | 20, 4); // made on Unix
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((modes[type] << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([head, common, tail, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
