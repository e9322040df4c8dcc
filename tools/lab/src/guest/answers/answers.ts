// Runs in the guest: holds the rows of the scripted kernel against the kernel that is there. It prints what happens as JSON lines.
import { nativeSyscalls } from '@pci-recovery/vfio';
import { KERNEL_ANSWERS } from '@pci-recovery/vfio/testing';
import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { type AnswersInput } from './input.js';
import { liveBench } from './live-bench.js';
import { tryRows } from './try-rows.js';

const { bdf } = JSON.parse(process.argv[2]!) as AnswersInput;
const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
const groupNumber = Number(basename(readlinkSync(`/sys/bus/pci/devices/${bdf}/iommu_group`)));

const bench = liveBench(nativeSyscalls(), { platform: 'x64', bdf, groupNumber });
for await (const report of tryRows(KERNEL_ANSWERS, bench)) say(report);
say({ event: 'done' });
