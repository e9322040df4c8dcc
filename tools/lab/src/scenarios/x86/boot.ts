import { formatLspciDump } from '@pci-recovery/pci/lspci';
import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
import { ENDPOINTS, PORTS } from './layouts.js';

const COMMAND = '/lab/packages/cli/bin/pci-recovery.js';

/** Our own command, run by the guest's node on the guest's own configuration space. */
async function decodeInGuest(lab: Lab, dump: string): Promise<readonly string[]> {
  const text = await lab.guest.execWith(dump, 'node', COMMAND, 'decode', '--json', '-');
  const lines = text.trim().split('\n');
  const devices = lines.map((line) => JSON.parse(line) as { bdf?: string; aer?: unknown });
  return devices.flatMap(({ bdf, aer }) => (bdf !== undefined && aer ? [bdf] : []));
}

/** What the kernel sees of the machine, and whether our packages work in it. */
export const boot: Scenario = {
  name: 'boot',
  title: 'every endpoint is there with AER, below its own port, and our command decodes it in the guest',
  demands: ['R3.1'],
  layout: { ports: PORTS },
  async run(lab) {
    const { findings, guest } = lab;
    const state = await guest.state();
    for (const id of ENDPOINTS) {
      const found = state.get(lab.bdf(id));
      findings.check(`${id} is there with AER`, found?.decoded.aer !== undefined, true);
      findings.check(
        `${id} reports every kind of error`,
        (found?.decoded.pcie?.registers.deviceControl ?? 0) & 0xf,
        0xf,
      );
    }
    const group = (id: string): string | undefined => state.get(lab.bdf(id))?.iommuGroup;
    findings.check('the functions of one device share an IOMMU group', group('ep_pair0') === group('ep_pair1'), true);
    findings.check('another port is another group', group('ep_single') === group('ep_pair0'), false);
    const dump = formatLspciDump([...state.values()].map(({ bdf, config }) => ({ bdf, bytes: config })));
    const decoded = await decodeInGuest(lab, dump);
    findings.check(
      'pci-recovery decode finds AER in the guest',
      ENDPOINTS.filter((id) => !decoded.includes(lab.bdf(id))),
      [],
    );
    const inventory = [...state.values()].map(({ bdf, driver, iommuGroup }) => ({ bdf, driver, iommuGroup }));
    findings.fact('functions', inventory);
  },
};
