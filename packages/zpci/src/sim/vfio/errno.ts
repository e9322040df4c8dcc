/** What a call of the kernel answers: 0, or the name of an error. */
export type Errno = 0 | 'EAGAIN' | 'EFAULT' | 'EINVAL' | 'EIO' | 'ENODEV' | 'ENOMSG' | 'ENOTTY';
