import { endianness } from 'node:os';

/** Byte order of a host: s390x is `BE`, the others here are `LE`. Structures of the uAPI are in it throughout. */
export type ByteOrder = 'LE' | 'BE';

/** The byte order of the host that this runs on: what every codec uses unless told otherwise. */
export const HOST_BYTE_ORDER: ByteOrder = endianness();
