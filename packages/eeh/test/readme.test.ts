import { type PciErrorHandlers } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { readFileSync } from 'node:fs';
import { recoverOnce } from './readme-example.js';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

describe('the example of the README', () => {
  it('is the code that is tested here', () => {
    const [, code] = /```ts\n([\s\S]*?)```/.exec(read('../README.md'))!;
    expect(code).toBe(read('./readme-example.ts'));
  });

  it('recovers the card', async () => {
    const calls: string[] = [];
    const driver: PciErrorHandlers = {
      errorDetected: (_, channel) => {
        calls.push(`errorDetected(${channel})`);
        return 'need_reset';
      },
      slotReset: () => {
        calls.push('slotReset');
        return 'recovered';
      },
      resume: () => void calls.push('resume'),
    };
    const clock = new VirtualClock();
    const { result, usable } = await clock.drive(recoverOnce(clock, driver));
    expect([result, usable.length]).toEqual(['recovered', 1]);
    expect(calls).toEqual(['errorDetected(frozen)', 'slotReset', 'resume']);
    expect(clock.pending).toBe(0);
  });
});
