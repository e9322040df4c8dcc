/**
 * Names of errno numbers from 1 on, as asm-generic counts them: x86-64, arm64 and s390x. `-`: a number without meaning.
 *
 * Source: Linux 7.3 include/uapi/asm-generic/errno-base.h, errno.h.
 */
const GENERIC =
  'EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ' +
  'ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ' +
  'ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT ' +
  'EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ' +
  'ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ' +
  'ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ' +
  'ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ' +
  'ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN ' +
  'EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ' +
  'ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON';

/** Numbers that no C header shows to programs, but that drivers let out nevertheless (include/linux/errno.h). */
const KERNEL: readonly (readonly [string, number])[] = [
  ['ERESTARTSYS', 512],
  ['ENOIOCTLCMD', 515],
  ['EPROBE_DEFER', 517],
  ['ENOTSUPP', 524],
];

/** Where an architecture differs, by node's name (arch/powerpc/include/uapi/asm/errno.h). */
const DIFFERENT: Readonly<Record<string, readonly (readonly [string, number])[]>> = { ppc64: [['EDEADLOCK', 58]] };

/** Second names of numbers, for reading only (asm-generic/errno.h; the C library's ENOTSUP). */
const ALIASES: readonly (readonly [string, string])[] = [
  ['EWOULDBLOCK', 'EAGAIN'],
  ['ENOTSUP', 'EOPNOTSUPP'],
  ['EDEADLOCK', 'EDEADLK'],
];

/** Numbers and names of one architecture. */
export interface ErrnoTable {
  readonly names: ReadonlyMap<number, string>;
  readonly numbers: ReadonlyMap<string, number>;
}

function build(arch: string): ErrnoTable {
  const generic = GENERIC.split(' ').map((name, index) => [name, index + 1] as const);
  const all = [...generic.filter(([name]) => name !== '-'), ...KERNEL, ...(DIFFERENT[arch] ?? [])];
  const numbers = new Map(all);
  for (const [alias, name] of ALIASES) {
    const number = numbers.get(name);
    if (number !== undefined && !numbers.has(alias)) numbers.set(alias, number);
  }
  return { names: new Map(all.map(([name, number]) => [number, name])), numbers };
}

const tables = new Map<string, ErrnoTable>();

/** The table of an architecture, by node's name of it (`process.arch`). */
export function errnoTable(arch: string): ErrnoTable {
  const known = tables.get(arch) ?? build(arch);
  tables.set(arch, known);
  return known;
}
