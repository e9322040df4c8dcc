/** Where the guest has the workspace. */
export const GUEST_ROOT = '/lab';

/** The program that the guest runs, below {@link GUEST_ROOT}. */
const AGENT = 'tools/lab/dist/guest/agent.js';

/**
 * The guest's first process: mounts what the kernel offers, and runs the agent. When the agent ends, the machine does:
 * so the driver never waits for a guest that is not going to answer.
 */
export const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin LD_LIBRARY_PATH=/lib HOME=/tmp UV_THREADPOOL_SIZE=8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tracefs trace /sys/kernel/tracing
mount -t debugfs debug /sys/kernel/debug
ln -s /proc/self/fd /dev/fd
node ${GUEST_ROOT}/${AGENT}
echo "the agent ended with $?"
poweroff -f
`;

/** Called by busybox for every uevent: one line of JSON-free text, fields by tabs, which the agent reads. */
export const PRINT_UEVENT = `#!/bin/busybox sh
busybox printf '%s\\t' "$SEQNUM" "$ACTION" "$DEVPATH" "$PCI_SLOT_NAME" "$ERROR_EVENT" "$DEVICE_ONLINE" "$SYNTH_ARG_MARK"
echo
`;
