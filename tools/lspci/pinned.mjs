// The one lspci that codecs are held against: a release of pciutils, built from its source.

/** Version of pciutils. */
export const VERSION = '3.13.0';

/** SHA-256 of its source as Debian carries it. */
export const SHA256 = 'a03c88a0aab709b1697ca1753766f443e78297f84c7bcd80a82c1422edd7cb42';

/** Where the source lies on every Debian mirror. */
export const SOURCE_PATH = `pool/main/p/pciutils/pciutils_${VERSION}.orig.tar.gz`;

/** Built without the libraries that it can do without: one file, the same output everywhere. */
export const MAKE_ARGUMENTS = ['ZLIB=no', 'DNS=no', 'LIBKMOD=no', 'HWDB=no', 'SHARED=no', 'lspci'];
