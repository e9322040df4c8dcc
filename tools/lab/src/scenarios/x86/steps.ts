import { type Bdf } from '@pci-recovery/core';
import { type Evidence } from '../../evidence/evidence.js';
import { callText } from '../../evidence/kernel-calls.js';
import { type Lab } from '../../session/lab.js';

/** Errors by the name that QEMU's monitor has for them, one of each severity. */
export const INJECTED = { correctable: 'BAD_TLP', nonfatal: 'COMP_TIME', fatal: 'MALF_TLP' } as const;

/** The bits of these errors in their status registers (PCIe r6.1 §7.8.4.2, §7.8.4.5). */
export const STATUS = { correctable: 1 << 6, nonfatal: 1 << 14, fatal: 1 << 18 } as const;

/** The last line of a recovery in the log (drivers/pci/pcie/err.c:pcie_do_recovery). */
const RECOVERY_ENDED = /device recovery (?:successful|failed)/;

/** What a function that works has in Command and Device Control: memory, bus master, SERR#; all errors reported. */
export const WORKING = { command: 0x0103, deviceControl: 0x000f } as const;

/** Loads vfio-pci and gives it the endpoints; nobody opens them. */
export async function bindVfio(lab: Lab, ...ids: readonly string[]): Promise<void> {
  await lab.load('vfio-pci', 'vfio_iommu_type1');
  for (const id of ids) await lab.guest.bind(lab.bdf(id), 'vfio-pci');
}

/**
 * Keeps an endpoint in D0, as an open one is. Otherwise vfio-pci puts it to sleep (D3hot) while nobody has it open, and
 * waking up clears its error status.
 */
export async function keepAwake(lab: Lab, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) await lab.guest.write(`/sys/bus/pci/devices/${lab.bdf(id)}/power/control`, 'on');
}

/** Injects an uncorrectable error and waits until the kernel has said how its recovery ended, as {@link recoverAll}. */
export const recoverFrom = (lab: Lab, id: string, error: string): Promise<Evidence> =>
  recoverAll(lab, `${id}-${error.toLowerCase()}`, 1, () => lab.inject(id, error));

/** Injects errors and waits until the kernel has said how each recovery ended; checks that there were so many. */
export async function recoverAll(
  lab: Lab,
  name: string,
  recoveries: number,
  inject: () => Promise<void>,
): Promise<Evidence> {
  const seen = await lab.observe(name, async () => {
    const ended = lab.logged(RECOVERY_ENDED, recoveries);
    await inject();
    await ended;
  });
  const begun = seen.calls.filter(({ function: name }) => name === 'pcie_do_recovery').length;
  lab.findings.check(`${name}: as many recoveries as it takes`, begun, recoveries);
  return seen;
}

/** The calls of a step in the order in which the kernel made them, each in a few words. */
export const callOrder = ({ calls }: Evidence): readonly string[] => calls.map(callText);

/** Kinds of log records about recovery, in order, with the function that each names. */
export const logTexts = ({ log }: Evidence): readonly string[] =>
  log.map(({ kind, bdf }) => `${kind} ${bdf ?? ''}`.trim());

/** Uevents in a few words: `BEGIN_RECOVERY 0000:01:00.0`. */
export const ueventTexts = ({ uevents }: Evidence): readonly string[] =>
  uevents.map(({ event, bdf }) => `${event} ${bdf}`);

/** The errors that the log names of a function. */
export const loggedErrors = ({ log }: Evidence, bdf: Bdf): readonly string[] =>
  log.flatMap((record) =>
    record.kind === 'error' && record.bdf === bdf ? record.errors.map(({ linux }) => linux) : [],
  );

/** The calls that one function gets in a walk of pcie_do_recovery, vfio-pci's own callback included. */
export const walked = {
  detected: (bdf: Bdf, state: 'normal' | 'frozen'): readonly string[] => [
    `report_${state}_detected ${bdf}`,
    `vfio_pci_core_aer_err_detected ${bdf} ${state}`,
    `pci_uevent_ers ${bdf} can_recover`,
  ],
  mmioEnabled: (bdf: Bdf): readonly string[] => [`report_mmio_enabled ${bdf}`],
  resume: (bdf: Bdf): readonly string[] => [`report_resume ${bdf}`, `pci_uevent_ers ${bdf} recovered`],
};

/** What the kernel does to reset the link below a port, once. */
export const linkReset = (port: Bdf): readonly string[] => [
  `aer_root_reset ${port}`,
  `pci_bus_error_reset ${port}`,
  `pci_bridge_secondary_bus_reset ${port}`,
];

/** What it clears at the end of a recovery that succeeded: of the function with the error only. */
export const cleared = (bdf: Bdf): readonly string[] => [
  `pcie_clear_device_status ${bdf}`,
  `pci_aer_clear_nonfatal_status ${bdf}`,
];
