import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { emulatorCommand } from '../../src/machine/emulator.js';
import { type MachineLayout } from '../../src/machine/machine.js';
import { x86 } from '../../src/machine/x86.js';
import { PORTS } from '../../src/scenarios/x86/layouts.js';

const FILES = { kernel: 'k', initramfs: 'i', monitorSocket: 'm', agentSocket: 'a', consoleLog: 'c' };
const line = (layout: MachineLayout): string => x86.qemuArguments(layout, FILES).join(' ');

describe("QEMU's arguments of the machine x86", () => {
  it('emulate in software, and end with the driver', () => {
    expect(line({ ports: [] })).toContain('-accel tcg ');
    expect(line({ ports: [] })).toContain('-run-with exit-with-parent=on');
    expect(line({ ports: [] })).not.toContain('kvm');
  });

  it('put each device below a port of its own, with AER; a spare port stays empty', () => {
    const devices = line({ ports: PORTS })
      .split(' -device ')
      .filter((device) => /root-port|virtio-net/.test(device))
      .map((device) => device.split(' ')[0]!.replace(',disable-legacy=on,aer=on', ' AER'));
    expect(devices).toEqual([
      'pcie-root-port,id=rp1,bus=pcie.0,chassis=1,slot=1,addr=4.0',
      'virtio-net-pci,romfile= AER,id=ep_single,bus=rp1,addr=0.0',
      'pcie-root-port,id=rp2,bus=pcie.0,chassis=2,slot=2,addr=5.0',
      'virtio-net-pci,romfile= AER,id=ep_pair0,bus=rp2,addr=0.0,multifunction=on',
      'virtio-net-pci,romfile= AER,id=ep_pair1,bus=rp2,addr=0.1',
      'pcie-root-port,id=rp3,bus=pcie.0,chassis=3,slot=3,addr=6.0',
    ]);
  });

  it('put a switch below a port: its ports have a chassis of their own, and devices below them', () => {
    const downstream = [
      { id: 'dp1', endpoints: [{ id: 'behind' }] },
      { id: 'dp2', endpoints: [] },
    ];
    const ports = [
      { id: 'spare', endpoints: [] },
      { id: 'rp', endpoints: [], switch: { upstream: 'up', downstream } },
    ];
    const devices = line({ ports }).split(' -device ').slice(-5);
    expect(devices).toEqual([
      'pcie-root-port,id=rp,bus=pcie.0,chassis=2,slot=2,addr=5.0',
      'x3130-upstream,id=up,bus=rp',
      'xio3130-downstream,id=dp1,bus=up,chassis=32,slot=32,addr=0.0',
      expect.stringContaining('id=behind,bus=dp1,addr=0.0'),
      'xio3130-downstream,id=dp2,bus=up,chassis=32,slot=33,addr=1.0',
    ]);
  });

  it('have small devices for drivers of our own', () => {
    expect(line({ ports: [{ id: 'p', endpoints: [{ id: 'e', kind: 'rng' }] }] })).toContain(
      '-device virtio-rng-pci,disable-legacy=on,aer=on,id=e,bus=p,addr=0.0',
    );
  });

  it('have slots in hexadecimal', () => {
    const ports = Array.from({ length: 7 }, (_, at) => ({ id: `p${at}`, endpoints: [] }));
    expect(line({ ports })).toContain('chassis=7,slot=7,addr=a.0');
  });

  it.each([
    [undefined, true],
    [true, true],
    [false, false],
  ])('nativeHotplug %s: resets of links work: %s', (nativeHotplug, works) => {
    const layout = { ports: [], ...(nativeHotplug !== undefined && { nativeHotplug }) };
    expect(line(layout).includes('acpi-pci-hotplug-with-bridge-support=off')).toBe(works);
  });

  it('take what a scenario adds', () => {
    const layout = {
      ports: [{ id: 'p', endpoints: [{ id: 'e', options: 'iommu_platform=on' }] }],
      memory: 2048,
      kernelArguments: 'quiet',
    };
    expect(line(layout)).toMatch(/-m 2048 .*panic=-1 quiet .*id=e,bus=p,addr=0.0,iommu_platform=on/);
  });
});

describe('the command of an unpacked QEMU', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'lab-qemu-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  it('is its own loader with its own libraries and firmware', () => {
    for (const file of ['usr/lib64/ld-linux-x86-64.so.2', x86.emulator.program]) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), '');
    }
    expect(emulatorCommand(x86, root, 'x64').map((word) => word.replaceAll(root, 'ROOT'))).toEqual([
      'ROOT/usr/lib64/ld-linux-x86-64.so.2',
      '--library-path',
      'ROOT/usr/lib/x86_64-linux-gnu',
      'ROOT/usr/bin/qemu-system-x86_64',
      ...['-L', 'ROOT/usr/share/qemu', '-L', 'ROOT/usr/share/seabios'],
    ]);
  });

  it('is refused when a file is missing, and on another processor', () => {
    expect(() => emulatorCommand(x86, root, 'x64')).toThrow('fetch them with --refresh');
    expect(() => emulatorCommand(x86, root, 'mips')).toThrow('runs on x64 only, and this is mips');
  });
});
