import fc from 'fast-check';
import { type MachineDescription, ScriptedKernel } from '../../src/testing/index.js';
import { deviceInfo, EXTENSION, requests, type RequestName } from '../../src/uapi/index.js';
import { BDF, codeOf, Program, ppc64, s390, turns, x86, ZBDF } from './programs.js';

const MACHINES: readonly (readonly [string, MachineDescription, string, number, number])[] = [
  ['x64', x86(), BDF, 7, EXTENSION.type1v2Iommu],
  ['s390x', s390(), ZBDF, 1, EXTENSION.type1v2Iommu],
  ['ppc64', ppc64(), BDF, 1, EXTENSION.spaprTceV2Iommu],
];
const REQUESTS = Object.keys(requests()) as RequestName[];
const PLAYED = ['ERR_PCI_NOT_PLAYED', 'ERR_PCI_WOULD_BLOCK', 'nothing was thrown'];

describe.each(MACHINES)('laws of every kernel (%s)', (_arch, machine, bdf, group, iommu) => {
  const opened = () => {
    const kernel = new ScriptedKernel(machine);
    const program = new Program(kernel);
    return { kernel, program, ...program.openDevice(bdf, group, iommu) };
  };

  it('any request with any bytes on any descriptor is answered: a result, a named errno, or that it is not played', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      // What looks like a structure gets further.
      fc
        .array(fc.integer({ min: 0, max: 40 }), { maxLength: 16 })
        .map((words) => new Uint8Array(new Uint32Array(words).buffer)),
    );
    const argument = fc.oneof(bytes, fc.integer({ min: 0, max: 10 }), fc.constant(undefined));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(8), fc.constantFrom(...REQUESTS), argument), { maxLength: 30 }), (calls) => {
        const { kernel, program } = opened();
        for (const [fd, request, value] of calls) {
          let result: number | string = 0;
          const code = codeOf(() => (result = program.ioctl(fd, request, value)));
          expect(PLAYED).toContain(code);
          if (typeof result === 'string') expect(result).toMatch(/^E[A-Z0-9]+$/);
          else expect(result).toBeGreaterThanOrEqual(0);
        }
        for (const { fd } of kernel.openDescriptors) expect(kernel.close(fd)).toBe(0);
        expect(kernel.openDescriptors).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('what is closed in any order leaves everything free, and the device can be opened again', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }), (order) => {
        const { kernel, program, container, group: groupFd, device } = opened();
        const eventfd = program.errorEventfd(device);
        const fds = [container, groupFd, device, eventfd, kernel.duplicate(device)];
        for (const at of order) kernel.close(fds[at]!);
        expect(kernel.openDescriptors).toEqual([]);
        const again = program.openDevice(bdf, group, iommu);
        expect(program.ioctl(again.device, 'VFIO_DEVICE_RESET')).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('GET_INFO never writes beyond argsz, whatever it is, and what it needs is enough', () => {
    const { program, device } = opened();
    const full = deviceInfo.encodeRequest(512);
    program.ioctl(device, 'VFIO_DEVICE_GET_INFO', full);
    for (let argsz = 16; argsz < 256; argsz++) {
      const bytes = new Uint8Array(512).fill(0xee);
      new Uint32Array(bytes.buffer, 0, 1)[0] = argsz;
      expect(program.ioctl(device, 'VFIO_DEVICE_GET_INFO', bytes)).toBe(0);
      const told = new Uint32Array(bytes.buffer, 0, 1)[0]!;
      expect(bytes.subarray(Math.max(argsz, 4)).every((byte) => byte === 0xee)).toBe(true);
      if (told > argsz) expect(told).toBeLessThanOrEqual(512);
    }
    expect(() => program.ask(device, deviceInfo.query())).not.toThrow();
  });

  it('calls in threads answer as those that the program waits for', async () => {
    const [sync, background] = [opened(), opened()];
    const calls = fc.sample(
      fc.tuple(fc.nat(6), fc.constantFrom(...REQUESTS), fc.uint8Array({ minLength: 4, maxLength: 48 })),
      { numRuns: 200, seed: 42 },
    );
    for (const [fd, request, bytes] of calls) {
      let expected: number | string = 'not played';
      const copy = bytes.slice();
      codeOf(() => (expected = sync.program.ioctl(fd, request, copy)));
      const got = await background.program.ioctlAsync(fd, request, bytes).catch(() => 'not played');
      expect([fd, request, got, bytes]).toEqual([fd, request, expected, copy]);
    }
  });

  it('two runs of one program are the same, call by call', async () => {
    const run = async (): Promise<unknown> => {
      const { kernel, program, device } = opened();
      const eventfd = program.errorEventfd(device);
      const watch = kernel.watch(
        eventfd,
        () => void kernel.takeEventfd(eventfd),
        () => undefined,
      ) as Disposable;
      const resets = [1, 2, 3].map(() => program.ioctlAsync(device, 'VFIO_DEVICE_RESET'));
      await Promise.all(resets);
      await turns();
      watch[Symbol.dispose]();
      return kernel.log.calls;
    };
    expect(await run()).toEqual(await run());
  });
});

describe('what the host plays', () => {
  it('can be stopped after any step and finished later: locks are gone in the end, whatever is called in between', () => {
    const errors = [{ severity: 'correctable' }, { severity: 'nonfatal' }, { severity: 'fatal' }] as const;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(7)), { maxLength: 5 }), (plan) => {
        const kernel = new ScriptedKernel(x86());
        const program = new Program(kernel);
        const { device } = program.openDevice();
        const recoveries = plan.map(([kind, steps]) => {
          const recovery = kernel.error(BDF, errors[kind]!);
          for (let i = 0; i < steps; i++) recovery.step();
          const answer = program.ioctl(device, 'VFIO_DEVICE_RESET');
          expect([0, 'EAGAIN']).toContain(answer);
          return recovery;
        });
        for (const recovery of recoveries) recovery.finish();
        expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe(0);
      }),
    );
  });
});
