import { isPciRecoveryError, type Bdf } from '@pci-recovery/core';
import { type ErrorMessageKind, type SimulatedHardware } from '../../src/sim/index.js';
import { aer, AER, AT, bigMachine, facts, setAer, setPcie } from './machines.js';

const [COR, MULTIPLE_COR, UNCOR, MULTIPLE_UNCOR, FIRST_FATAL, NONFATAL, FATAL] = [1, 2, 4, 8, 16, 32, 64];

const rootStatus = (hardware: SimulatedHardware, root: Bdf = AT.root): number => aer(hardware, root, AER.ROOT_STATUS);
const ERROR = { ERR_COR: 'BAD_TLP', ERR_NONFATAL: 'COMP_TIME', ERR_FATAL: 'MALF_TLP' } as const;
const send = (hardware: SimulatedHardware, message: ErrorMessageKind, bdf: Bdf = AT.endpoint): void =>
  void hardware.detect(bdf, { error: ERROR[message] });

describe('messages travel up to the root', () => {
  it.each([
    [AT.endpoint, AT.root],
    [AT.root, AT.root],
    [AT.leaf1, AT.switchRoot],
    [AT.leaf2, AT.switchRoot],
    [AT.down2, AT.switchRoot],
    [AT.upstream, AT.switchRoot],
    [AT.pf, AT.vfRoot],
    [AT.vf1, AT.vfRoot],
    [AT.pciBridge, AT.pciRoot],
    [AT.rciep, AT.rcec],
    [AT.rcec, AT.rcec],
  ])('from %s to %s, with the source id', (source, root) => {
    const { hardware } = bigMachine();
    const sent = hardware.detect(source, { error: 'COMP_TIME' });
    expect(sent).toEqual([{ bdf: source, message: 'ERR_NONFATAL', received: true }]);
    expect(rootStatus(hardware, root)).toBe(UNCOR | NONFATAL);
    const id = parseInt(source.slice(5, 7), 16) * 256 + parseInt(source.slice(8, 10), 16) * 8 + Number(source.at(-1));
    expect(aer(hardware, root, AER.ERROR_SOURCE)).toBe(id * 0x1_0000);
    expect(hardware.log.find((fact) => fact.kind === 'message')).toMatchObject({ bdf: source, root });
  });

  it('are lost where no event collector listens', () => {
    const { hardware } = bigMachine();
    expect(hardware.detect(AT.lonelyRciep, { error: 'COMP_TIME' })[0]?.received).toBe(false);
  });

  const forwarders: readonly (readonly [string, Bdf])[] = [
    ['the root port', AT.switchRoot],
    ['the upstream port', AT.upstream],
    ['the downstream port', AT.down1],
  ];
  it.each(forwarders)('are lost at %s without SERR# Enable in Bridge Control (PCIe §7.5.1.3.10)', (_, bridge) => {
    const { hardware } = bigMachine();
    hardware.writeConfig(bridge, 0x3e, 2, 0);
    for (const message of ['ERR_COR', 'ERR_NONFATAL', 'ERR_FATAL'] as const) send(hardware, message, AT.leaf1);
    expect(rootStatus(hardware, AT.switchRoot)).toBe(0);
    expect(facts(hardware, 'message')).toMatchObject([{ lostAt: bridge }, { lostAt: bridge }, { lostAt: bridge }]);
  });

  it.each(forwarders)(
    'pass %s by its reporting enables or its SERR# Enable; correctable ones need neither',
    (_, bridge) => {
      for (const [control, command, arrives] of [
        [0, 0, COR],
        [4, 0, COR | UNCOR | FATAL | FIRST_FATAL],
        [2, 0, COR | UNCOR | NONFATAL],
        [0, 0x100, COR | UNCOR | NONFATAL | FATAL | MULTIPLE_UNCOR],
      ] as const) {
        const { hardware } = bigMachine();
        setPcie(hardware, bridge, 0x08, control);
        hardware.writeConfig(bridge, 0x04, 2, command);
        for (const message of ['ERR_COR', 'ERR_NONFATAL', 'ERR_FATAL'] as const) send(hardware, message, AT.leaf1);
        expect(rootStatus(hardware, AT.switchRoot)).toBe(arrives);
      }
    },
  );

  it('leave Received System Error in every bridge that they enter, when they are uncorrectable', () => {
    const { hardware } = bigMachine();
    send(hardware, 'ERR_COR', AT.leaf1);
    const secondary = (): number[] =>
      [AT.down1, AT.upstream, AT.switchRoot].map((bdf) => hardware.readConfig(bdf, 0x1e, 2) & 0x4000);
    expect(secondary()).toEqual([0, 0, 0]);
    send(hardware, 'ERR_FATAL', AT.leaf1);
    expect(secondary()).toEqual([0x4000, 0x4000, 0x4000]);
    expect(hardware.readConfig(AT.down2, 0x1e, 2)).toBe(0);
  });

  it('do not pass a link that is down', () => {
    const { hardware } = bigMachine();
    hardware.linkDown(AT.switchRoot);
    expect(hardware.detect(AT.leaf1, { error: 'MALF_TLP' }).some(({ received }) => received)).toBe(false);
    expect(rootStatus(hardware, AT.switchRoot)).toBe(0);
  });
});

describe('Root Error Status (PCIe §7.8.4.10)', () => {
  const sequences: ErrorMessageKind[][] = [];
  const kinds = ['ERR_COR', 'ERR_NONFATAL', 'ERR_FATAL'] as const;
  for (const a of kinds) for (const b of kinds) for (const c of kinds) sequences.push([a], [a, b], [a, b, c]);

  /** From the sequence as a whole, not message by message. */
  function expectedStatus(messages: readonly ErrorMessageKind[]): number {
    const count = (kind: ErrorMessageKind): number => messages.filter((one) => one === kind).length;
    const uncorrectable = messages.filter((one) => one !== 'ERR_COR');
    return (
      (count('ERR_COR') > 0 ? COR : 0) |
      (count('ERR_COR') > 1 ? MULTIPLE_COR : 0) |
      (uncorrectable.length > 0 ? UNCOR : 0) |
      (uncorrectable.length > 1 ? MULTIPLE_UNCOR : 0) |
      (uncorrectable[0] === 'ERR_FATAL' ? FIRST_FATAL : 0) |
      (count('ERR_NONFATAL') > 0 ? NONFATAL : 0) |
      (count('ERR_FATAL') > 0 ? FATAL : 0)
    );
  }

  it.each([...new Set(sequences.map((one) => one.join(' ')))])('after %s', (sequence) => {
    const messages = sequence.split(' ') as ErrorMessageKind[];
    const { hardware } = bigMachine();
    messages.forEach((message, n) => send(hardware, message, n === 0 ? AT.endpoint : AT.sibling));
    expect(rootStatus(hardware)).toBe(expectedStatus(messages));
    const first = (correctable: boolean): number => {
      const at = messages.findIndex((one) => (one === 'ERR_COR') === correctable);
      return at < 0 ? 0 : at === 0 ? 0x0100 : 0x0101;
    };
    expect(aer(hardware, AT.root, AER.ERROR_SOURCE)).toBe(first(true) + first(false) * 0x1_0000);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])('bit %i is cleared by writing 1, alone', (bit) => {
    const { hardware } = bigMachine();
    for (const message of ['ERR_FATAL', 'ERR_NONFATAL', 'ERR_COR', 'ERR_COR'] as const) send(hardware, message);
    expect(rootStatus(hardware)).toBe(0x7f);
    setAer(hardware, AT.root, AER.ROOT_STATUS, 1 << bit);
    expect(rootStatus(hardware)).toBe(0x7f & ~(1 << bit));
  });

  it('latches a source id again once its bit was cleared', () => {
    const { hardware } = bigMachine();
    send(hardware, 'ERR_COR', AT.endpoint);
    setAer(hardware, AT.root, AER.ROOT_STATUS, COR);
    send(hardware, 'ERR_COR', AT.sibling);
    expect(aer(hardware, AT.root, AER.ERROR_SOURCE)).toBe(0x0101);
  });
});

async function raised(hardware: SimulatedHardware, what: () => void = () => undefined): Promise<Bdf[]> {
  const controller = new AbortController();
  const seen: Bdf[] = [];
  const listening = (async () => {
    for await (const bdf of hardware.interrupts({ signal: controller.signal })) seen.push(bdf);
  })();
  what();
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await listening;
  return seen;
}

describe('the interrupt of a root port (PCIe §6.2.4.1.2)', () => {
  it.each([
    ['ERR_COR', 1],
    ['ERR_NONFATAL', 2],
    ['ERR_FATAL', 4],
  ] as const)('comes for %s where bit mask %i of Root Error Command allows it, and only there', (message, enable) => {
    for (let command = 0; command < 8; command++) {
      const { hardware } = bigMachine();
      setAer(hardware, AT.root, AER.ROOT_COMMAND, command);
      send(hardware, message);
      expect(facts(hardware, 'interrupt')).toHaveLength((command & enable) !== 0 ? 1 : 0);
    }
  });

  it('is kept while nobody listens', async () => {
    const { hardware } = bigMachine();
    send(hardware, 'ERR_COR');
    send(hardware, 'ERR_FATAL', AT.leaf1);
    expect(await raised(hardware)).toEqual([AT.root, AT.switchRoot]);
  });

  it('comes to whoever waits', async () => {
    const { hardware } = bigMachine();
    expect(await raised(hardware, () => send(hardware, 'ERR_FATAL', AT.rciep))).toEqual([AT.rcec]);
  });

  it('comes once while status stays set, and again after it was cleared', () => {
    const { hardware } = bigMachine();
    send(hardware, 'ERR_COR');
    send(hardware, 'ERR_FATAL');
    expect(facts(hardware, 'interrupt')).toHaveLength(1);
    setAer(hardware, AT.root, AER.ROOT_STATUS, rootStatus(hardware));
    send(hardware, 'ERR_COR');
    expect(facts(hardware, 'interrupt')).toHaveLength(2);
  });

  it('comes when it is enabled while status is set: nothing is lost meanwhile', () => {
    const { hardware } = bigMachine();
    setAer(hardware, AT.root, AER.ROOT_COMMAND, 0);
    send(hardware, 'ERR_NONFATAL');
    expect(facts(hardware, 'interrupt')).toHaveLength(0);
    setAer(hardware, AT.root, AER.ROOT_COMMAND, 1);
    expect(facts(hardware, 'interrupt')).toHaveLength(0);
    setAer(hardware, AT.root, AER.ROOT_COMMAND, 7);
    expect(facts(hardware, 'interrupt')).toHaveLength(1);
    setAer(hardware, AT.root, AER.ROOT_COMMAND, 7);
    expect(facts(hardware, 'interrupt')).toHaveLength(1);
  });

  it('has one consumer', async () => {
    const { hardware } = bigMachine();
    const controller = new AbortController();
    const first = hardware.interrupts(controller);
    const waiting = first.next();
    const second = await hardware
      .interrupts(controller)
      .next()
      .catch((error: unknown) => error);
    expect(isPciRecoveryError(second) && second.code).toBe('ERR_PCI_SIM_INTERRUPTS_TAKEN');
    controller.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await raised(hardware, () => send(hardware, 'ERR_COR'))).toEqual([AT.root]);
  });
});
