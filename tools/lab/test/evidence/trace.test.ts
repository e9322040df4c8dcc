import { aerTraceEvents } from '../../src/evidence/aer-events.js';
import { callText, kernelCalls, probeDefinitions, returnText } from '../../src/evidence/kernel-calls.js';
import { parseTraceLine, probeFields } from '../../src/evidence/trace-line.js';
import { X86_PROBES } from '../../src/machine/x86-probes.js';

/** As Linux 7.3.4 printed them. */
const TRACE = `
   irq/26-aerdrv-60      [000] .....    11.776950: aer_event: 0000:02:00.0 PCIe Bus Error: severity=Fatal, , TLP Header=Not available

   irq/26-aerdrv-60      [000] .....    11.777221: pcie_do_recovery: (pcie_do_recovery+0x4/0x430) bdf="0000:02:00.0" state=2
   irq/26-aerdrv-60      [000] .....    11.804696: report_frozen_detected: (report_frozen_detected+0x4/0x20) bdf="0000:02:00.1"
   irq/26-aerdrv-60      [000] .....    11.804704: pci_uevent_ers: (pci_uevent_ers+0x4/0xc0) bdf="0000:02:00.1" vote=2
   irq/26-aerdrv-60      [000] .....    11.949082: pci_bridge_secondary_bus_reset__returned: (pciehp_reset_slot+0x48/0x70 <- pci_bridge_secondary_bus_reset) bdf="0000:00:05.0" result=0
            node-114     [001] ...1.    11.973743: tracing_mark_write: mark lab11
CPU:0 [LOST 3 EVENTS]
# tracer: nop`.split('\n');

describe('a line of the trace', () => {
  it('names thread, processor, time and event', () => {
    expect(parseTraceLine(TRACE[3]!)).toEqual({
      seconds: 11.777221,
      thread: 'irq/26-aerdrv',
      pid: 60,
      cpu: 0,
      event: 'pcie_do_recovery',
      text: '(pcie_do_recovery+0x4/0x430) bdf="0000:02:00.0" state=2',
    });
  });

  it('is no event when it is something else', () => {
    expect(TRACE.filter((line) => parseTraceLine(line) === undefined)).toEqual(['', '', TRACE.at(-2), TRACE.at(-1)]);
  });

  it('may show the thread group', () => {
    expect(parseTraceLine(' sh-7  (   7) [001] d..2. 1.5: x: y')).toMatchObject({ thread: 'sh', pid: 7, cpu: 1 });
  });

  it('has fields with texts and numbers, hexadecimal ones too', () => {
    expect(probeFields('(f+0x4/0x8) bdf="0000:01:00.0" state=2 at=0x1f name=(fault) empty=""')).toEqual({
      bdf: '0000:01:00.0',
      state: 2,
      at: 31,
      name: '(fault)',
      empty: '',
    });
  });
});

describe("the kernel's own calls", () => {
  const { calls, returns } = kernelCalls(TRACE, X86_PROBES);

  it('are those of probed functions, in order, with votes and states as words', () => {
    expect(calls.map(callText)).toEqual([
      'pcie_do_recovery 0000:02:00.0 frozen',
      'report_frozen_detected 0000:02:00.1',
      'pci_uevent_ers 0000:02:00.1 can_recover',
    ]);
  });

  it('keep their address apart from the other arguments', () => {
    expect(calls[0]).toEqual({
      order: 0,
      thread: 60,
      seconds: 11.777221,
      function: 'pcie_do_recovery',
      bdf: '0000:02:00.0',
      fields: { state: 2 },
    });
  });

  it('return something', () => {
    expect(returns.map(returnText)).toEqual(['pci_bridge_secondary_bus_reset 0000:00:05.0 = 0']);
  });

  it('are counted together with their returns', () => {
    expect([...calls, ...returns].map(({ order }) => order)).toEqual([0, 1, 2, 3]);
  });

  it('say a vote that has no name by its number', () => {
    expect(callText({ function: 'f', fields: { vote: 17 } })).toBe('f 17');
  });
});

describe('definitions of probes', () => {
  it('name arguments, never offsets', () => {
    expect(
      probeDefinitions({ function: 'f', fields: { bdf: '+0(dev->dev.kobj.name):string', state: 'state:u32' } }),
    ).toEqual(['p:pci_recovery/f f bdf=+0(dev->dev.kobj.name):string state=state:u32']);
  });

  it('have a second event for the result', () => {
    expect(probeDefinitions({ function: 'f', fields: { bdf: '+0(d->n):string' }, result: 's32', module: 'm' })).toEqual(
      ['p:pci_recovery/f f bdf=+0(d->n):string', 'r:pci_recovery/f__returned f bdf=+0(d->n):string result=$retval:s32'],
    );
  });

  it.each(X86_PROBES.map((probe) => [probe.function, probe] as const))(
    '%s: names fit the kernel’s limits',
    (_, probe) => {
      for (const definition of probeDefinitions(probe)) {
        // MAX_EVENT_NAME_LEN 64, MAX_ARG_NAME_LEN 32 (kernel/trace/trace_probe.h).
        expect(/\/(\S+)/.exec(definition)![1]!.length).toBeLessThan(64);
        for (const field of Object.keys(probe.fields)) expect(field.length).toBeLessThan(32);
      }
    },
  );
});

describe('the trace event ras:aer_event', () => {
  const event = (text: string) => aerTraceEvents([`  irq/24-aerdrv-58 [000] ..... 9.5: aer_event: ${text}`]);

  it.each([
    ['severity=Corrected, Bad TLP, TLP Header=Not available', 'correctable', ['Bad TLP']],
    [
      'severity=Uncorrected, non-fatal, Completion Timeout, TLP Header=Not available',
      'nonfatal',
      ['Completion Timeout'],
    ],
    [
      'severity=Uncorrected, non-fatal, Poisoned TLP|Completion Timeout, TLP Header={0x1,0x2,0x3,0x4}',
      'nonfatal',
      ['Poisoned TLP', 'Completion Timeout'],
    ],
    ['severity=Fatal, , TLP Header=Not available', 'fatal', []],
  ])('%s', (text, severity, errors) => {
    expect(event(`0000:01:00.0 PCIe Bus Error: ${text}`)).toEqual([
      { seconds: 9.5, bdf: '0000:01:00.0', severity, errors },
    ]);
  });

  it('is found among other lines', () => expect(aerTraceEvents(TRACE)).toHaveLength(1));

  it.each(['0000:01:00.0 PCIe Bus Error: severity=Odd, x', 'nonsense'])('is not made up of "%s"', (text) => {
    expect(event(text)).toEqual([]);
  });
});
