/** One entry of an archive. */
export interface CpioEntry {
  /** Without a leading slash. */
  readonly path: string;
  /** File type and permissions, as in stat(2). */
  readonly mode: number;
  /** A file's bytes, or where a link points to. */
  readonly content?: Uint8Array;
  /** Of a device node. */
  readonly device?: { readonly major: number; readonly minor: number };
}

/** File types of {@link CpioEntry.mode}. */
export const FILE_TYPE = { directory: 0o040000, file: 0o100000, link: 0o120000, characterDevice: 0o020000 } as const;

const BLOCK = 512;

const hex = (value: number): string => value.toString(16).padStart(8, '0');

/** Zeroes up to the next multiple of `unit`. */
const padding = (length: number, unit: number): Buffer => Buffer.alloc((unit - (length % unit)) % unit);

/** Header and name of an entry: "newc" of cpio(5), also Documentation/driver-api/early-userspace/buffer-format.rst. */
function head({ path, mode, content, device }: CpioEntry, inode: number): Buffer {
  const name = Buffer.from(`${path}\0`);
  const fields = [
    inode,
    mode,
    ...[0, 0], // uid, gid: root
    1, // links
    0, // mtime: none, so that equal trees make equal archives
    content?.length ?? 0,
    ...[0, 0], // the device that the archive was made from
    ...[device?.major ?? 0, device?.minor ?? 0],
    name.length,
    0, // checksum: none in this format
  ];
  const bytes = Buffer.concat([Buffer.from(`070701${fields.map(hex).join('')}`), name]);
  return Buffer.concat([bytes, padding(bytes.length, 4)]);
}

/** The archive, in pieces. All entries belong to root; the kernel unpacks it as its first file system. */
export function* cpioArchive(entries: Iterable<CpioEntry>): Generator<Uint8Array, void, undefined> {
  let [inode, length] = [1, 0];
  const trailer: CpioEntry = { path: 'TRAILER!!!', mode: 0 };
  for (const entry of [...entries, trailer]) {
    const { content = new Uint8Array(0) } = entry;
    for (const piece of [head(entry, inode++), content, padding(content.length, 4)]) {
      length += piece.length;
      yield piece;
    }
  }
  yield padding(length, BLOCK);
}
