import { type Diagnosis, type Obstacle } from '../../src/index.js';
import { A, Lab, ONE } from './lab.js';

/** What a diagnosis says is in the way. */
const obstacle = (code: Obstacle['code'], blocks: Obstacle['blocks']): Obstacle => ({
  code,
  blocks,
  message: `There is ${code}.`,
  remedy: 'Change it.',
  concerns: 'function',
  context: { found: code },
});

const diagnosis = (...obstacles: Obstacle[]): Diagnosis => ({
  bdf: A,
  driver: undefined,
  iommuGroup: 7,
  group: false,
  cdev: false,
  obstacles,
});

describe('why a device cannot be opened', () => {
  it.each([
    ['bridge', 'ERR_PCI_UNSUPPORTED'],
    ['no_iommu_group', 'ERR_PCI_NO_IOMMU'],
    ['group_not_viable', 'ERR_PCI_GROUP_NOT_VIABLE'],
    ['vfio_pci_missing', 'ERR_PCI_NOT_BOUND'],
    ['no_driver', 'ERR_PCI_NOT_BOUND'],
    ['other_driver', 'ERR_PCI_NOT_BOUND'],
    ['container_missing', 'ERR_PCI_NOT_PRESENT'],
    ['container_denied', 'ERR_PCI_PERMISSION'],
    ['group_node_missing', 'ERR_PCI_NOT_PRESENT'],
    ['group_node_denied', 'ERR_PCI_PERMISSION'],
    ['device_node_missing', 'ERR_PCI_NOT_PRESENT'],
    ['device_node_denied', 'ERR_PCI_PERMISSION'],
    ['iommufd_missing', 'ERR_PCI_NOT_PRESENT'],
    ['iommufd_denied', 'ERR_PCI_PERMISSION'],
  ] as const)('is what the machine shows: %s is %s', async (code, expected) => {
    const lab = new Lab(ONE);
    lab.diagnoses.push(diagnosis(obstacle('locked_memory', []), obstacle(code, ['group'])));
    lab.kernel.script({ call: 'open', file: '/dev/vfio/7', result: 'ENOENT' });
    await expect(lab.open(A)).rejects.toMatchObject({
      code: expected,
      message: `${A} cannot be opened: There is ${code}. Change it.`,
      context: { bdf: A, obstacle: code, found: code },
      cause: { context: { errno: 'ENOENT', path: '/dev/vfio/7' } },
    });
  });

  it('is not what blocks only the other way', async () => {
    const lab = new Lab(ONE);
    lab.diagnoses.push(diagnosis(obstacle('iommufd_missing', ['cdev'])));
    lab.kernel.script({ call: 'open', file: '/dev/vfio/7', result: 'ENOENT' });
    await expect(lab.open(A)).rejects.toMatchObject({ context: { errno: 'ENOENT', path: '/dev/vfio/7' } });
  });

  it('is what the kernel says when somebody else has the device: the machine shows nothing of that', async () => {
    const lab = new Lab(ONE);
    lab.diagnoses.push(diagnosis(obstacle('no_driver', ['group'])));
    lab.kernel.script({ call: 'open', file: '/dev/vfio/7', result: 'EBUSY' });
    await expect(lab.open(A)).rejects.toMatchObject({ code: 'ERR_PCI_BUSY', context: { errno: 'EBUSY' } });
  });

  it('is what the caller wanted when it was aborted, whatever the machine shows', async () => {
    const lab = new Lab(ONE);
    lab.diagnoses.push(diagnosis(obstacle('other_driver', ['group'])));
    const signal = AbortSignal.abort();
    await expect(lab.open(A, { signal })).rejects.toMatchObject({ code: 'ERR_PCI_ABORTED' });
    expect(lab.left).toEqual([]);
  });

  it('is what the kernel says when the diagnosis fails', async () => {
    const lab = new Lab(ONE);
    lab.kernel.script({ call: 'open', file: '/dev/vfio/7', result: 'ENOENT' });
    const host = { ...lab.host, diagnose: () => Promise.reject(new Error('no sysfs')) };
    await expect(lab.open(A, { host })).rejects.toMatchObject({ context: { errno: 'ENOENT' } });
  });
});
