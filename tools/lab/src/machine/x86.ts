import {
  AGENT_CHANNEL,
  type Endpoint,
  type Machine,
  type MachineLayout,
  type Port,
  type RootPort,
  type Switch,
} from './machine.js';
import { checkReplay } from '../replay/check-replay.js';
import { X86_PROBES } from './x86-probes.js';

/** The first slot of root ports on the root bus; those before it are other devices'. */
const FIRST_SLOT = 4;

/** QEMU's devices. Without a boot ROM of the network card the firmware is faster. */
const DEVICE = {
  net: 'virtio-net-pci,romfile=,disable-legacy=on,aer=on',
  rng: 'virtio-rng-pci,disable-legacy=on,aer=on',
  e1000e: 'e1000e,romfile=',
} as const;

/**
 * Virtio functions: of the emulated endpoints they are the ones whose injected errors reach the root port (nvme has no AER
 * capability; Device Control of e1000e and igb reads 0).
 */
function endpointArguments(port: Port, { id, kind = 'net', options }: Endpoint, fn: number): readonly string[] {
  const several = fn === 0 && port.endpoints.length > 1 ? ',multifunction=on' : '';
  const more = options === undefined ? '' : `,${options}`;
  const address = `bus=${port.id},addr=0.${fn}${several}`;
  return ['-device', `${DEVICE[kind]},id=${id},${address}${more}`];
}

/** Chassis and slot number are a port's own in the whole machine: the switch below root port n has chassis n × 16. */
function switchArguments(root: RootPort, number: number, { upstream, downstream }: Switch): readonly string[] {
  const chassis = number * 16;
  return [
    ...['-device', `x3130-upstream,id=${upstream},bus=${root.id}`],
    ...downstream.flatMap((port, at) => [
      ...[
        '-device',
        `xio3130-downstream,id=${port.id},bus=${upstream},chassis=${chassis},slot=${chassis + at},addr=${at}.0`,
      ],
      ...port.endpoints.flatMap((endpoint, fn) => endpointArguments(port, endpoint, fn)),
    ]),
  ];
}

function portArguments(port: RootPort, index: number): readonly string[] {
  const [slot, number] = [(FIRST_SLOT + index).toString(16), index + 1];
  return [
    ...['-device', `pcie-root-port,id=${port.id},bus=pcie.0,chassis=${number},slot=${number},addr=${slot}.0`],
    ...port.endpoints.flatMap((endpoint, fn) => endpointArguments(port, endpoint, fn)),
    ...(port.switch ? switchArguments(port, number, port.switch) : []),
  ];
}

const nativeHotplug = ({ nativeHotplug: native = true }: MachineLayout): readonly string[] =>
  native ? ['-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'] : [];

/** A PC with PCI Express and an IOMMU, emulated in software. */
export const x86: Machine = {
  name: 'x86',
  architecture: 'amd64',
  kernelFlavour: 'amd64',
  emulator: {
    package: 'qemu-system-x86',
    atLeast: '1:11.1~',
    program: 'usr/bin/qemu-system-x86_64',
    firmware: ['usr/share/qemu', 'usr/share/seabios'],
  },
  modules: ['vfio-pci', 'vfio_iommu_type1', 'virtio_net', 'aer_inject', 'e1000e'],
  probes: X86_PROBES,
  traceEvents: ['ras/aer_event'],
  checkStep: checkReplay,
  qemuArguments: (layout, files) => [
    ...[
      '-accel',
      'tcg',
      '-M',
      'q35,kernel-irqchip=split',
      '-cpu',
      'max',
      '-smp',
      '2',
      '-m',
      `${layout.memory ?? 1024}`,
    ],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-run-with', 'exit-with-parent=on'],
    ...['-kernel', files.kernel, '-initrd', files.initramfs],
    ...['-append', `console=ttyS0 intel_iommu=on iommu.passthrough=0 panic=-1 ${layout.kernelArguments ?? ''}`.trim()],
    ...['-serial', `file:${files.consoleLog}`, '-qmp', `unix:${files.monitorSocket}`],
    ...['-device', 'intel-iommu,intremap=on,aw-bits=48'],
    ...['-device', 'virtio-serial-pci,id=vs0,addr=2.0'],
    ...['-chardev', `socket,id=agent,path=${files.agentSocket}`],
    ...['-device', `virtserialport,bus=vs0.0,chardev=agent,name=${AGENT_CHANNEL}`],
    ...nativeHotplug(layout),
    ...layout.ports.flatMap(portArguments),
  ],
};
