import { PciRecoveryError } from '@pci-recovery/core';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync, writeSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { type Meanings } from '../../seam/refused-call.js';
import { errnoOf, refusedFileCall } from '../errno.js';

/** Directories and files of tracefs, where making a directory makes a tracing instance with all its files. */
export interface TraceFiles {
  makeDirectory(path: string): void;
  /** Names; none when the directory is not there. */
  names(directory: string): readonly string[];
  exists(path: string): boolean;
  write(path: string, text: string): void;
  /** Removes an instance's directory with all that the kernel put there; waits until its buffers are gone. */
  removeInstance(path: string): Promise<void>;
}

/** The real tracefs. */
export const tracefs: TraceFiles = {
  makeDirectory: (path) => mkdirSync(path),
  names: (directory) => (existsSync(directory) ? readdirSync(directory) : []),
  exists: existsSync,
  write(path, text) {
    const file = openSync(path, constants.O_WRONLY);
    try {
      writeSync(file, text);
    } finally {
      closeSync(file);
    }
  },
  removeInstance: (path) => rmdir(path),
};

/** Where a tracing instance is made, and for which event. */
export interface InstancePlace {
  /** Where tracefs is mounted. */
  readonly root: string;
  readonly files: TraceFiles;
  readonly pid: number;
  /** Whether a process runs; stale instances of those that do not are removed. */
  readonly isAlive: (pid: number) => boolean;
  /** Size of the ring buffer of each processor, KiB. */
  readonly bufferKib: number;
  /** `ras/aer_event`. */
  readonly event: string;
}

const NAME = /^pci-recovery-(\d{1,10})(?:-[0-9a-f]{8})?$/;

const MEANINGS: Meanings = {
  EACCES: { advice: 'tracefs belongs to root: run with CAP_DAC_OVERRIDE, or give a group access (mount option gid=).' },
  EPERM: { advice: 'tracefs belongs to root, and lockdown can close it.' },
  ENOENT: { advice: 'mount tracefs: mount -t tracefs nodev /sys/kernel/tracing.' },
};

function attempt<T>(call: string, path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    throw refusedFileCall(call, errno, { context: { path }, meanings: MEANINGS, cause: error });
  }
}

/**
 * Removes an instance, which switches its events off (kernel/trace/trace.c:__remove_instance). One that is in use (EBUSY) or
 * gone stays as it is: nothing is switched off before, for its process can be alive in a pid namespace that we do not see.
 */
async function removeQuietly({ files }: InstancePlace, path: string): Promise<void> {
  await files.removeInstance(path).catch((error: unknown) => {
    if (errnoOf(error) === undefined) throw error;
  });
}

/** Removes instances of processes that are gone. The kernel keeps those whose pipe is still open. */
export async function removeStaleInstances(place: InstancePlace): Promise<void> {
  const directory = `${place.root}/instances`;
  const stale = place.files.names(directory).filter((name) => {
    const pid = NAME.exec(name)?.[1];
    return pid !== undefined && Number(pid) !== place.pid && !place.isAlive(Number(pid));
  });
  await Promise.all(stale.map((name) => removeQuietly(place, `${directory}/${name}`)));
}

/** A tracing instance of our own: nobody else's tracing is disturbed, nor disturbs ours. */
export interface TraceInstance {
  readonly path: string;
  /** Removes it; its pipe must be closed before. */
  remove(): Promise<void>;
}

/**
 * Makes an instance and enables the event in it.
 * @throws PciRecoveryError `ERR_PCI_TRACE_EVENT_MISSING` when the kernel has no such event; else what it refused.
 */
export function createInstance(place: InstancePlace): TraceInstance {
  const { root, files, pid, event, bufferKib } = place;
  if (files.exists(`${root}/events`) && !files.exists(`${root}/events/${event}`)) {
    const message = `The kernel has no trace event ${event}: it is built without CONFIG_PCIEAER or CONFIG_RAS.`;
    throw new PciRecoveryError('ERR_PCI_TRACE_EVENT_MISSING', message, { context: { root, event } });
  }
  const path = `${root}/instances/pci-recovery-${pid}-${randomBytes(4).toString('hex')}`;
  attempt('mkdir', path, () => files.makeDirectory(path));
  try {
    attempt('write', `${path}/buffer_size_kb`, () => files.write(`${path}/buffer_size_kb`, String(bufferKib)));
    attempt('write', `${path}/events/${event}/enable`, () => files.write(`${path}/events/${event}/enable`, '1'));
  } catch (error) {
    void removeQuietly(place, path);
    throw error;
  }
  return {
    path,
    remove: async () => {
      await files.removeInstance(path).catch((error: unknown) => {
        throw refusedFileCall('rmdir', errnoOf(error) ?? 'EIO', { context: { path }, cause: error });
      });
    },
  };
}
